package etf_test

import (
	"fmt"

	"portworker/etf"
)

// A call is looked at without decoding its arguments.
func ExampleReadTuple() {
	packet := []byte("\x83h\x04w\x04callb\x00\x00\x10\x00w\x04echol\x00\x00\x00\x02m\x00\x00\x00\x02hia\x07j")
	call, err := etf.Limits{}.Parse(packet)
	if err != nil {
		fmt.Println(err)
		return
	}
	arity, n, _ := etf.ReadTuple(call)
	rest := call[n:]
	tag, n, _ := etf.ReadAtom(rest)
	rest = rest[n:]
	ref := rest[:etf.Size(rest)]
	rest = rest[len(ref):]
	function, n, _ := etf.ReadAtom(rest)
	args, err := etf.SplitList(rest[n:], nil)
	fmt.Println(arity, tag, []byte(ref), function, len(args), err)

	var text string
	fmt.Println(etf.Decode(args[0], &text), text)
	// Output:
	// 4 call [98 0 0 16 0] echo 2 <nil>
	// <nil> hi
}

func ExampleAppendTuple() {
	term := etf.AppendTuple([]byte{etf.Version}, 2)
	term = etf.AppendAtom(term, "ok")
	term = etf.AppendString(term, "done")
	fmt.Printf("%q\n", term)
	// Output: "\x83h\x02w\x02okm\x00\x00\x00\x04done"
}

func ExampleLimits_Parse() {
	_, err := etf.Limits{MaxDepth: 1}.Parse([]byte("\x83h\x01h\x01a\x01"))
	fmt.Println(err)
	// Output: etf: nested deeper than the limit of 1 (at byte 3)
}
