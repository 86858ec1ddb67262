package etf

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	command    interface{ command() }
	getCurrent struct{}
	add        struct{ Value int }
	shutdown   struct{ Reason string }
	volume     int
	unlisted   struct{}

	// expression contains itself.
	expression interface{ expression() }
	number     struct{ N int }
	sum        struct{ Terms []expression }
	negation   struct{ Of expression }
	zero       struct{}
)

func (getCurrent) command() {}
func (add) command()        {}
func (*shutdown) command()  {}
func (volume) command()     {}
func (unlisted) command()   {}

func (number) expression()    {}
func (sum) expression()       {}
func (*negation) expression() {}
func (*zero) expression()     {}

var (
	_ = RegisterUnion[command](getCurrent{}, add{}, Tagged("stop", &shutdown{}), volume(0))
	_ = RegisterUnion[expression](number{}, sum{}, &negation{}, &zero{})
)

func TestUnionRoundTrip(t *testing.T) {
	cases := []struct {
		name string
		in   command
		want any
	}{
		{"bare", getCurrent{}, Atom("get_current")},
		{"struct", add{10}, Tuple{Atom("add"), Map{{Atom("value"), 10}}}},
		{"pointer, with a tag of its own", &shutdown{"bye"}, Tuple{Atom("stop"), Map{{Atom("reason"), "bye"}}}},
		{"no struct", volume(3), Tuple{Atom("volume"), 3}},
		{"nil", nil, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			term := termOf(t, &c.in)
			assert.Equal(t, termOf(t, c.want), term)
			got := command(add{1})
			require.NoError(t, term.Unmarshal(&got))
			assert.Equal(t, c.in, got)
		})
	}
}

func TestUnionOfItself(t *testing.T) {
	var in expression = sum{[]expression{number{1}, &negation{number{2}}, sum{[]expression{}}, &zero{}}}
	var out expression
	require.NoError(t, termOf(t, &in).Unmarshal(&out))
	assert.Equal(t, in, out)
}

func TestUnionReads(t *testing.T) {
	cases := []struct {
		name string
		term any
		want command
	}{
		{"binary tag", Tuple{"add", Map{{"value", 1}}}, add{1}},
		{"bare binary", "get_current", getCurrent{}},
		{"undefined", Atom("undefined"), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := command(volume(9))
			require.NoError(t, termOf(t, c.term).Unmarshal(&got))
			assert.Equal(t, c.want, got)
		})
	}
}

func TestUnionRefuses(t *testing.T) {
	const expected = `expected :get_current or {:add, …} or {:stop, …} or {:volume, …}, got `
	cases := []struct {
		name string
		term any
		want string
	}{
		{"unknown tag", Tuple{Atom("sub"), 1}, expected + `tuple {:sub, 1}`},
		{"value for a bare case", Tuple{Atom("get_current"), Map{}}, expected + `tuple {:get_current, %{}}`},
		{"no value", Atom("add"), expected + `atom :add`},
		{"three elements", Tuple{Atom("add"), 1, 2}, expected + `tuple {:add, 1, 2}`},
		{"tag that is no name", Tuple{1, 2}, expected + `tuple {1, 2}`},
		{"list", []any{}, expected + `list []`},
		{"wrong value", Tuple{Atom("add"), Map{{"value", "x"}}}, `(add).value: expected integer, got binary "x"`},
		{"nil for a pointer", Tuple{Atom("stop"), nil}, `(stop): expected a value, got nil`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got command
			assert.EqualError(t, termOf(t, c.term).Unmarshal(&got), c.want)
		})
	}
}

func TestUnionEncodes(t *testing.T) {
	t.Run("a pointer to a case", func(t *testing.T) {
		var c command = &add{3}
		assert.Equal(t, termOf(t, Tuple{Atom("add"), Map{{Atom("value"), 3}}}), termOf(t, &c))
	})
	t.Run("untagged in an any", func(t *testing.T) {
		assert.Equal(t, termOf(t, Map{{Atom("value"), 3}}), termOf(t, any(add{3})))
	})
	t.Run("not an unlisted type", func(t *testing.T) {
		_, err := Marshal([]command{unlisted{}})
		assert.EqualError(t, err, "[0]: etf.unlisted is not a registered case of etf.command")
	})
	t.Run("not a nil pointer", func(t *testing.T) {
		_, err := Marshal([]command{(*shutdown)(nil)})
		assert.EqualError(t, err, "[0]: a nil *etf.shutdown is no case of etf.command")
	})
	t.Run("not a nil pointer to a case", func(t *testing.T) {
		_, err := Marshal([]command{(*add)(nil)})
		assert.EqualError(t, err, "[0]: *etf.add is not a registered case of etf.command")
	})
}

type late interface{ late() }

func (add) late() {}

// forgetUnion lets a test that registers run again.
func forgetUnion[I any](t *testing.T) {
	t.Cleanup(func() {
		plansMu.Lock()
		defer plansMu.Unlock()
		delete(unions, reflect.TypeFor[I]())
		forgetPlans()
	})
}

func TestRegisterUnionAfterFirstUse(t *testing.T) {
	forgetUnion[late](t)
	var v struct{ L late }
	require.ErrorContains(t, CheckType(reflect.TypeOf(v)), ".L: etf.late is an interface without registered cases")
	RegisterUnion[late](add{})
	require.NoError(t, termOf(t, Map{{"l", Tuple{"add", Map{{"value", 1}}}}}).Unmarshal(&v))
	assert.Equal(t, add{1}, v.L)
}

type (
	other  interface{ command() }
	empty  struct{}
	custom struct{}
)

func (empty) command()                              {}
func (custom) command()                             {}
func (custom) AppendETF(dst []byte) ([]byte, error) { return AppendNil(dst), nil }
func (*custom) UnmarshalETF(Raw) error              { return nil }

func TestRegisterUnionPanics(t *testing.T) {
	cases := []struct {
		name, want string
		register   func()
	}{
		{"twice", "registered already", func() { RegisterUnion[command](add{}) }},
		{"no interface", "etf.add is no interface", func() { RegisterUnion[add](add{}) }},
		{"any", "is no interface with methods", func() { RegisterUnion[any](add{}) }},
		{"no cases", "no cases", func() { RegisterUnion[other]() }},
		{"not implemented", "etf.number does not implement it", func() { RegisterUnion[other](number{}) }},
		{"nil", "a case is nil", func() { RegisterUnion[other](nil) }},
		{"same tag", `clash`, func() { RegisterUnion[other](add{}, Tagged("add", volume(0))) }},
		{"same type", `clash`, func() { RegisterUnion[other](add{}, Tagged("plus", add{})) }},
		{"no name", "use Tagged", func() { RegisterUnion[other](struct{ add }{}) }},
		{"bad tag", "not UTF-8", func() { RegisterUnion[other](Tagged("\xff", add{})) }},
		{"nil as a tag", "would be read as no value", func() { RegisterUnion[other](Tagged("nil", empty{})) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				assert.Contains(t, recover(), "etf.RegisterUnion[")
			}()
			defer func() {
				r := recover()
				assert.Contains(t, r, c.want)
				panic(r)
			}()
			c.register()
		})
	}
}

func TestUnionCaseThatEncodesItself(t *testing.T) {
	forgetUnion[other](t)
	RegisterUnion[other](custom{})
	var v other = custom{}
	term := termOf(t, &v)
	assert.Equal(t, termOf(t, Tuple{Atom("custom"), []any{}}), term)
	require.NoError(t, term.Unmarshal(&v))
}
