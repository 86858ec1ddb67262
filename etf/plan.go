package etf

import (
	"maps"
	"reflect"
	"sync"
)

// An encodeFunc appends the term of v. On error what it returns is not used.
type encodeFunc func(dst []byte, v reflect.Value, at place) ([]byte, error)

// A decodeFunc sets v, which is addressable, from the first term of b, which has been scanned, and returns that
// term's length. With own, what it sets may alias b.
type decodeFunc func(b []byte, v reflect.Value, own bool) (n int, err error)

// A plan is how one Go type is encoded and decoded, worked out once. The functions of a plan hold the plans of the
// types inside it, and read their functions only when they run: that is how a type can contain itself.
type plan struct {
	encode encodeFunc
	decode decodeFunc
	// encodeAt and decodeAt are the same, for a value by its address.
	encodeAt encodeAtFunc
	decodeAt decodeAtFunc
	// expected names the terms that decode accepts, for errors.
	expected string
	// distinct says that values that differ as Go map keys also differ as terms.
	distinct bool
	err      error
}

var (
	plans   sync.Map // of reflect.Type to *plan
	plansMu sync.Mutex
)

// planOf returns the plan of t; the error is a *TypeError.
func planOf(t reflect.Type) (*plan, error) {
	if p, ok := plans.Load(t); ok {
		p := p.(*plan)
		return p, p.err
	}
	plansMu.Lock()
	defer plansMu.Unlock()
	c := compiler{made: map[reflect.Type]*plan{}}
	p, err := c.plan(t)
	if err != nil {
		p = &plan{err: err}
		plans.Store(t, p)
		return p, err
	}
	for t, p := range c.made {
		plans.Store(t, p)
	}
	return p, nil
}

// forgetPlans drops every plan, because a type that had none may have one now. Its caller holds plansMu.
func forgetPlans() { plans.Clear() }

// CheckType reports whether values of type t have a form as terms: the error is a *TypeError that names the part of t
// that has none. A nil t is the type of a nil any, and fine.
func CheckType(t reflect.Type) error {
	if t == nil {
		return nil
	}
	_, err := planOf(t)
	return err
}

// A compiler makes the plans of one type and of all the types in it.
type compiler struct {
	made map[reflect.Type]*plan
}

// plan returns the plan of t, perhaps not yet filled in.
func (c *compiler) plan(t reflect.Type) (*plan, error) {
	if p, ok := plans.Load(t); ok {
		p := p.(*plan)
		return p, p.err
	}
	if p, ok := c.made[t]; ok {
		return p, nil
	}
	p := new(plan)
	c.made[t] = p
	before := maps.Clone(c.made)
	if err := c.fill(p, t); err != nil {
		// What was made meanwhile may refer to this plan, which has no functions.
		c.made = before
		delete(c.made, t)
		return nil, err
	}
	return p, nil
}

// fill sets p to the plan of t.
func (c *compiler) fill(p *plan, t reflect.Type) error {
	if err := c.choose(p, t); err != nil {
		return err
	}
	p.complete(t)
	return nil
}

// choose sets one function of p for each direction.
func (c *compiler) choose(p *plan, t reflect.Type) error {
	if known, ok := knownTypes[t]; ok {
		known := known()
		*p = *known
		return p.err
	}
	if fast, ok := fastPlans[t]; ok {
		fast(p)
		return nil
	}
	if isCustom(t) {
		return c.custom(p, t)
	}
	return c.byKind(p, t)
}

// byKind fills p for a type without methods of ours.
func (c *compiler) byKind(p *plan, t reflect.Type) error {
	switch t.Kind() {
	case reflect.Bool:
		boolPlan(p)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		intPlan(p, t)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		uintPlan(p, t)
	case reflect.Float32, reflect.Float64:
		floatPlan(p, t)
	case reflect.String:
		stringPlan(p)
	case reflect.Slice:
		return c.slice(p, t)
	case reflect.Array:
		return c.array(p, t)
	case reflect.Map:
		return c.mapping(p, t)
	case reflect.Pointer:
		return c.pointer(p, t)
	case reflect.Interface:
		return c.iface(p, t)
	case reflect.Struct:
		return c.structure(p, t)
	default:
		return &TypeError{Type: t, Problem: "has no form as a term"}
	}
	return nil
}
