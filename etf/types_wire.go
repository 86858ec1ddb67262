package etf

import "strings"

// AppendETF appends the term that describes t, see Type.
func (t Type) AppendETF(dst []byte) ([]byte, error) { return t.appendTerm(dst), nil }

func (t Type) appendTerm(dst []byte) []byte {
	kind := string(t.kind())
	switch {
	case t.Kind == KindList && t.Elem != nil, t.Kind == KindOptional:
		return t.Elem.appendTerm(AppendAtom(AppendTuple(dst, 2), kind))
	case t.Kind == KindTuple && t.Elems != nil:
		dst = AppendList(AppendAtom(AppendTuple(dst, 2), kind), len(t.Elems))
		for _, elem := range t.Elems {
			dst = elem.appendTerm(dst)
		}
		return AppendNil(dst)
	case t.Kind == KindMap:
		return t.Elem.appendTerm(t.Key.appendTerm(AppendAtom(AppendTuple(dst, 3), kind)))
	case t.Kind == KindStruct:
		dst = AppendList(AppendAtom(AppendTuple(dst, 2), kind), len(t.Fields))
		for _, f := range t.Fields {
			dst = AppendBool(f.Type.appendTerm(AppendString(AppendTuple(dst, 3), f.Name)), f.Optional)
		}
		return AppendNil(dst)
	case t.Kind == KindUnion:
		dst = AppendList(AppendAtom(AppendTuple(dst, 2), kind), len(t.Cases))
		for _, c := range t.Cases {
			dst = c.appendTerm(dst)
		}
		return AppendNil(dst)
	case t.Kind == KindNamed:
		return t.Elem.appendTerm(AppendString(AppendAtom(AppendTuple(dst, 3), kind), t.Name))
	case t.Kind == KindName:
		return AppendString(AppendAtom(AppendTuple(dst, 2), kind), t.Name)
	}
	return AppendAtom(dst, kind)
}

func (c Case) appendTerm(dst []byte) []byte {
	if c.Value == nil {
		return AppendString(dst, c.Tag)
	}
	return c.Value.appendTerm(AppendString(AppendTuple(dst, 2), c.Tag))
}

func (t Type) kind() Kind {
	if t.Kind == "" {
		return KindAny
	}
	return t.Kind
}

// String renders t as a typespec would, without the parentheses of type calls: "[integer]",
// "%{path: binary, size: integer | nil}".
func (t Type) String() string {
	switch t.Kind {
	case KindDateTime:
		return "DateTime.t"
	case KindList:
		if t.Elem == nil {
			return "list"
		}
		return "[" + t.Elem.String() + "]"
	case KindTuple:
		if t.Elems == nil {
			return "tuple"
		}
		return "{" + joinTypes(t.Elems, Type.String, ", ") + "}"
	case KindMap:
		if t.Key.kind() == KindAny && t.Elem.kind() == KindAny {
			return "map"
		}
		return "%{" + t.Key.String() + " => " + t.Elem.String() + "}"
	case KindStruct:
		return t.structString()
	case KindUnion:
		return joinTypes(t.Cases, Case.string, " | ")
	case KindOptional:
		return t.Elem.operand() + " | nil"
	case KindNamed:
		return t.Name + " :: " + t.Elem.String()
	case KindName:
		return t.Name
	}
	return string(t.kind())
}

// operand renders t where it stands beside a |.
func (t Type) operand() string {
	if t.Kind == KindNamed {
		return "(" + t.String() + ")"
	}
	return t.String()
}

// structString uses the short form of keys where every key is always there.
func (t Type) structString() string {
	sometimes := false
	for _, f := range t.Fields {
		sometimes = sometimes || f.Optional
	}
	return "%{" + joinTypes(t.Fields, func(f Field) string {
		key := renderAtom(f.Name)
		switch {
		case f.Optional:
			return "optional(" + key + ") => " + f.Type.String()
		case sometimes:
			return "required(" + key + ") => " + f.Type.String()
		}
		return strings.TrimPrefix(key, ":") + ": " + f.Type.String()
	}, ", ") + "}"
}

func (c Case) string() string {
	if c.Value == nil {
		return renderAtom(c.Tag)
	}
	return "{" + renderAtom(c.Tag) + ", " + c.Value.String() + "}"
}

func joinTypes[T any](parts []T, text func(T) string, separator string) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = text(part)
	}
	return strings.Join(texts, separator)
}
