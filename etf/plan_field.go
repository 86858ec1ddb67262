package etf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// A field is a key of a struct's map, or a position of its tuple.
type field struct {
	name  string
	index []int // as reflect.Value.FieldByIndex takes it, through embedded structs
	typ   reflect.Type
	plan  *plan
	place location
	// The name as an encoded atom, as it is written here, and as OTP 25 writes it if that is ASCII.
	key, oldKey string

	omitempty bool
	required  bool // in a map
	tagged    bool // the name comes from a tag
	viaNil    bool // an embedded pointer leads here, which may be nil
}

// omitted says that an omitempty field, whose value is at p, is left out of the map.
func (f *field) omitted(p unsafe.Pointer) bool {
	v := reflect.NewAt(f.typ, p).Elem()
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// fieldsOf lists the fields of a struct type by the rules of encoding/json: those of embedded structs are its own,
// unless a shallower one, or at the same depth a tagged one, has the name; of several that remain none is used.
func fieldsOf(t reflect.Type) (fields []field, tuple bool, err error) {
	g := gatherer{}
	if err := g.gather(t, nil, false, []reflect.Type{t}); err != nil {
		return nil, false, err
	}
	dominant := map[string]field{}
	clash := map[string]bool{}
	for _, f := range g.fields {
		other, ok := dominant[f.name]
		switch {
		case !ok || f.dominates(other):
			dominant[f.name], clash[f.name] = f, false
		case !other.dominates(f):
			clash[f.name] = true
		}
	}
	for _, f := range g.fields {
		if slices.Equal(dominant[f.name].index, f.index) && !clash[f.name] {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 && t.NumField() > 0 && !g.tuple && !g.excluded {
		return nil, false, &TypeError{Type: t, Problem: "has no exported fields"}
	}
	return fields, g.tuple, nil
}

func (f *field) dominates(other field) bool {
	if len(f.index) != len(other.index) {
		return len(f.index) < len(other.index)
	}
	return f.tagged && !other.tagged
}

// A gatherer collects the fields of a struct and of the structs embedded in it.
type gatherer struct {
	fields   []field
	tuple    bool
	excluded bool // a field is excluded by its tag, so the struct was meant for this
}

func (g *gatherer) gather(t reflect.Type, index []int, viaNil bool, path []reflect.Type) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, err := parseTag(t, sf)
		if err != nil {
			return err
		}
		if sf.Name == "_" && options.tuple {
			g.tuple = g.tuple || len(index) == 0
			continue
		}
		if options.skip {
			g.excluded = true
			continue
		}
		at := append(slices.Clone(index), i)
		if embedded := embeddedStruct(sf); embedded != nil && name == "" {
			if slices.Contains(path, embedded) {
				continue // an embedded struct that embeds itself adds nothing new
			}
			byPointer := sf.Type.Kind() == reflect.Pointer
			if byPointer && !sf.IsExported() {
				return &TypeError{Type: sf.Type, Path: "." + sf.Name, Problem: "is an embedded pointer to an unexported struct, which cannot be set"}
			}
			if err := g.gather(embedded, at, viaNil || byPointer, append(path, embedded)); err != nil {
				return err
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: name, index: at, typ: sf.Type, omitempty: options.omitempty, tagged: name != "", viaNil: viaNil}
		if f.name == "" {
			f.name = snakeCase(sf.Name)
		}
		g.fields = append(g.fields, f)
	}
	return nil
}

// embeddedStruct is the struct whose fields are flattened into the one that embeds it, or nil.
func embeddedStruct(sf reflect.StructField) reflect.Type {
	if !sf.Anonymous {
		return nil
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, known := knownTypes[t]; known || t.Kind() != reflect.Struct || isCustom(t) {
		return nil
	}
	return t
}

type tagOptions struct{ omitempty, tuple, skip bool }

func parseTag(t reflect.Type, sf reflect.StructField) (name string, options tagOptions, err error) {
	tag := sf.Tag.Get("etf")
	if tag == "-" {
		return "", tagOptions{skip: true}, nil
	}
	name, rest, _ := strings.Cut(tag, ",")
	if problem := atomProblem(name); problem != "" {
		return "", options, &TypeError{Type: t, Path: "." + sf.Name, Problem: "has a tag that cannot be a key: " + problem}
	}
	for rest != "" {
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		switch {
		case option == "omitempty" && sf.Name != "_":
			options.omitempty = true
		case option == "tuple" && sf.Name == "_":
			options.tuple = true
		default:
			return "", options, &TypeError{Type: t, Path: "." + sf.Name, Problem: fmt.Sprintf(
				"has the tag option %q, expected omitempty, or tuple on a field named _", option)}
		}
	}
	return name, options, nil
}

// snakeCase turns a Go name into an Elixir one: OldValue is old_value, HTTPStatus http_status, UserIDs user_ids.
func snakeCase(name string) string {
	runes := []rune(name)
	var out strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && runes[i-1] != '_' && startsWord(runes, i) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// startsWord says whether the upper case letter at i begins a word: after a letter or digit that is not upper case,
// and, as the last letter of a run, before a lower case one.
func startsWord(runes []rune, i int) bool {
	if !unicode.IsUpper(runes[i-1]) {
		return true
	}
	if i+1 == len(runes) || !unicode.IsLower(runes[i+1]) {
		return false
	}
	// The s of UserIDs makes an acronym plural, and no word Ds.
	plural := runes[i+1] == 's' && (i+2 == len(runes) || unicode.IsUpper(runes[i+2]))
	return !plural
}
