package etf_test

import (
	"errors"
	"fmt"
	"log"

	"portworker/etf"
)

type Upload struct {
	Path     string
	Size     int64
	MimeType *string
	Tags     []string `etf:",omitempty"`
}

func ExampleMarshal() {
	data, err := etf.Marshal(Upload{Path: "a.png", Size: 42})
	if err != nil {
		log.Fatal(err)
	}
	// In Elixir: :erlang.binary_to_term(data) is %{path: "a.png", size: 42, mime_type: nil}
	fmt.Printf("%q\n", data)
	// Output: "\x83t\x00\x00\x00\x03w\x04pathm\x00\x00\x00\x05a.pngw\x04sizea*w\tmime_typew\x03nil"
}

func ExampleUnmarshal() {
	// In Elixir: :erlang.term_to_binary(%{"path" => "a.png", size: 42})
	data := []byte("\x83t\x00\x00\x00\x02m\x00\x00\x00\x04pathm\x00\x00\x00\x05a.pngw\x04sizea*")
	var upload Upload
	if err := etf.Unmarshal(data, &upload); err != nil {
		log.Fatal(err)
	}
	fmt.Println(upload.Path, upload.Size, upload.MimeType == nil)
	// Output: a.png 42 true
}

func ExampleUnmarshalError() {
	data, _ := etf.Marshal(map[string]any{"uploads": []any{map[string]any{"path": etf.Atom("a"), "size": 1}}})
	var request struct{ Uploads []Upload }
	err := etf.Unmarshal(data, &request)
	fmt.Println(err)
	var mismatch *etf.UnmarshalError
	if errors.As(err, &mismatch) {
		fmt.Println(mismatch.Path)
	}
	// Output:
	// .uploads[0].path: expected binary, got atom :a
	// .uploads[0].path
}

type Command interface{ command() }

type (
	Add        struct{ Value int }
	GetCurrent struct{}
)

func (Add) command()        {}
func (GetCurrent) command() {}

var _ = etf.RegisterUnion[Command](Add{}, GetCurrent{})

func ExampleRegisterUnion() {
	// In Elixir: [{:add, %{value: 10}}, :get_current]
	data, err := etf.Marshal([]Command{Add{10}, GetCurrent{}})
	if err != nil {
		log.Fatal(err)
	}
	var commands []Command
	if err := etf.Unmarshal(data, &commands); err != nil {
		log.Fatal(err)
	}
	for _, c := range commands {
		switch c := c.(type) {
		case Add:
			fmt.Println("add", c.Value)
		case GetCurrent:
			fmt.Println("get")
		}
	}
	fmt.Println(etf.TypeFor[Command]())
	// Output:
	// add 10
	// get
	// {:add, %{value: integer}} | :get_current
}

func ExampleTypeFor() {
	fmt.Println(etf.TypeFor[struct {
		Path string
		Size *int
	}]())
	fmt.Println(etf.TypeFor[map[string][]float64]())
	// Output:
	// %{path: binary, size: integer | nil}
	// %{binary => [float]}
}

func ExampleRaw() {
	data, _ := etf.Marshal(map[string]any{"kind": "add", "body": map[string]any{"value": 10}})
	var envelope struct {
		Kind string
		Body etf.Raw // stays undecoded until its type is known
	}
	if err := etf.Unmarshal(data, &envelope); err != nil {
		log.Fatal(err)
	}
	var add Add
	if err := envelope.Body.Unmarshal(&add); err != nil {
		log.Fatal(err)
	}
	fmt.Println(envelope.Kind, add.Value)
	// Output: add 10
}
