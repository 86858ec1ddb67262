// Package termtext reads and writes terms as text: in the syntax of Erlang, of Elixir, and as JSON.
//
// [Reader] takes all three, mixed as they come. Where they disagree:
//
//	"text"       a binary in UTF-8, as in Elixir and JSON; a list in Erlang
//	'text'       an atom, as in Erlang
//	~c"text"     a list of code points
//	{"a": 1}     a map with binary keys, as in JSON; in maps %{"a": 1} and lists ["a": 1] the atom, as in Elixir
//	{}           the empty tuple; the empty map is #{} or %{}
//	null         nil inside {"a": null}, elsewhere the atom null
//	% and #      begin a comment up to the end of the line, but for %{, #{ and identifiers
//	Foo.Bar      the atom 'Elixir.Foo.Bar'
//
// Every term has a text, in both syntaxes, that is read back as the same term. Processes, ports and references
// are written with the creation of their node at the end, as #PID<node@host.100.0.1>, and local functions as their bytes.
package termtext
