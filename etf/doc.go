// Package etf reads and writes the External Term Format, in which the BEAM sends terms.
//
// [Marshal] and [Unmarshal] are in the manner of encoding/json. A struct is a map with snake_case atom keys; a string
// or []byte is a binary, and never an atom; an interface registered with [RegisterUnion] is a tagged tuple. Into an
// any, terms decode as the dynamic types: int64, *big.Int, float64, bool, nil, string, []any, [Atom], [Tuple], [Map],
// [ImproperList], [Bitstring], [Pid], [Port], [Ref] and [Fun]. Every term that OTP 25 and later write decodes, and
// encodes again to a term that is =:= to it.
//
// # Scanning first
//
// Bytes from outside are scanned before anything else is done with them: [Limits.Scan] is one pass, without recursion
// or allocation, that refuses what is cut short, lies about its size, nests too deeply or would be refused by
// binary_to_term. What has been scanned is a [Raw], which can be kept undecoded, sent on as it is, walked with the Read
// functions and [SplitList], or decoded with [Decode] without a second scan. Functions that want scanned bytes say so,
// and may panic without.
//
// # Equality of keys
//
// A map in which two keys are =:= is no term, whichever encodings they have. Here that is =:= of OTP 25, for which 0.0
// and -0.0 are one key; from OTP 27 on they are two, and a map with both is refused here. Two identifiers that only
// their own node knows to be equal count as different.
//
// # Writing
//
// The Append functions add one term, or the header of one, to a byte slice and return it: encoding into a buffer that
// is used again allocates nothing. Those that can fail return the slice as it was. [Append] does the same for any value.
//
// Nothing here is tied to goroutines: all functions may be called from several at once.
package etf
