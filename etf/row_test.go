package etf

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	rowMove interface{ isMove() }
	walk    struct{ Steps int }
	halt    struct{}
	pair    struct {
		_    struct{} `etf:",tuple"`
		A, B int
	}
)

func (walk) isMove() {}
func (halt) isMove() {}

var _ = RegisterUnion[rowMove](walk{}, halt{})

// MessagePack has no tuples: what is one comes as an array, and so as a list.
func TestListsAreTakenForTuples(t *testing.T) {
	steps := Map{{Key: "steps", Value: 3}}
	t.Run("of a union", func(t *testing.T) {
		var got []rowMove
		require.NoError(t, termOf(t, []any{[]any{"walk", steps}, "halt", Tuple{Atom("walk"), steps}}).Unmarshal(&got))
		assert.Equal(t, []rowMove{walk{3}, halt{}, walk{3}}, got)
	})
	t.Run("of a struct", func(t *testing.T) {
		var got []pair
		require.NoError(t, termOf(t, []any{[]any{1, 1000}, Tuple{2, 3}}).Unmarshal(&got))
		assert.Equal(t, []pair{{A: 1, B: 1000}, {A: 2, B: 3}}, got)
	})
	for name, term := range map[string]any{
		"an improper list": ImproperList{Elements: []any{"walk", steps}, Tail: 1},
		"a longer list":    []any{"walk", steps, 1},
		"a bare tag":       []any{"halt"},
		"an empty list":    []any{},
	} {
		t.Run("but not "+name, func(t *testing.T) {
			var got rowMove
			assert.ErrorContains(t, termOf(t, term).Unmarshal(&got), "expected")
		})
	}
	var got pair
	assert.ErrorContains(t, termOf(t, ImproperList{Elements: []any{1, 1000}, Tail: 1}).Unmarshal(&got), "expected tuple of 2 elements")
}
