package etf

// String renders the term the way Elixir would, clipped after a few elements
// and levels: it is for messages and logs. Bytes that are no term are described
// as such.
func (r Raw) String() string {
	if n, err := (Limits{}).Scan(r); err != nil || n != len(r) {
		return "bytes that are no term"
	}
	return render(r, 3)
}
