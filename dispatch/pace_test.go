package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const micro = time.Microsecond

// on is the reader of a machine where a call is given away in unit.
func on(unit time.Duration) *role { return &role{giving: estimate{value: unit, seen: lessons}} }

// turns says how many of n runs the reader may do at a time, in none of which it learns.
func (p *pace) turns(n int, now time.Duration, r *role) (allowed int) {
	for range n {
		if p.allows(now, r) {
			allowed++
		}
	}
	return allowed
}

func (p *pace) learnOf(n int, takes ...time.Duration) {
	for i := range n {
		p.learn(takes[i%len(takes)])
	}
}

func (p *pace) learnInlineOf(n int, now time.Duration, takes ...time.Duration) {
	for i := range n {
		p.learnInline(takes[i%len(takes)], now)
	}
}

// On a slow machine with 64 callers, nearly all runs of echo in goroutines took more than the reader
// has for one, and it stayed in goroutines for good.
func TestAQuickFunctionThatLooksSlowInACrowdIsTried(t *testing.T) {
	var p pace
	p.learnOf(10_000, 3*micro, 24*micro, 60*micro)
	assert.True(t, p.allows(0, on(micro)))
}

func TestTheReadersOwnRunsSayWhetherItGoesOn(t *testing.T) {
	tests := map[string]struct {
		inside, outside time.Duration
		allowed         int // of 64
	}{
		"quick, whatever goroutines made of it": {3 * micro, 90 * micro, 64},
		"slow, though quick in goroutines":      {60 * micro, 2 * micro, 1},
		"slow, and too slow to look again":      {90 * micro, 110 * micro, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var p pace
			p.learnOf(lessons, test.outside)
			p.learnInlineOf(lessons, 0, test.inside)
			assert.Equal(t, test.allowed, p.turns(probes, 0, on(micro)))
		})
	}
}

func TestAFunctionThatBecomesQuickIsFoundOutByProbes(t *testing.T) {
	p, r := pace{}, on(micro)
	p.learnOf(lessons, 10*micro)
	p.learnInlineOf(lessons, 0, 60*micro)
	calls := 0
	for ; p.inside.value > swiftUnits*micro; calls++ {
		require.Less(t, calls, 200*probes)
		if p.allows(0, r) {
			p.learnInline(2*micro, 0)
		}
	}
	assert.Equal(t, probes, p.turns(probes, 0, r))
}

func TestWhatIsQuickDependsOnTheMachine(t *testing.T) {
	tests := map[string]struct {
		unit, takes    time.Duration
		always, within bool // without a bound, and within the reader's budget
	}{
		"a quick one: swift":           {micro / 2, 2 * micro, true, true},
		"a quick one: brisk":           {micro / 2, 10 * micro, false, true},
		"a quick one: neither":         {micro / 2, 11 * micro, false, false},
		"a slow one: swift":            {2 * micro, 8 * micro, true, true},
		"a slow one: brisk":            {2 * micro, 40 * micro, false, true},
		"a slow one: neither":          {2 * micro, 41 * micro, false, false},
		"quicker than any":             {micro / 100, 2 * micro, true, true},
		"a crowd that looks like one":  {time.Millisecond, 81 * micro, false, false},
		"nothing known of the machine": {0, 2 * micro, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var p pace
			p.learnOf(lessons, test.takes)
			p.learnInlineOf(lessons, 0, test.takes)
			r := on(test.unit)
			assert.Equal(t, test.within, p.allows(0, r))
			r.spent = briskBudget + 1
			assert.Equal(t, test.always, p.allows(0, r))
		})
	}
}

// Of what the reader has not run yet it knows too little to let it pass the budget.
func TestARunThatIsTriedHasTheBudgetOfABriskOne(t *testing.T) {
	var p pace
	p.learnOf(lessons, micro/10)
	r := on(micro)
	assert.True(t, p.allows(0, r))
	r.spent = briskBudget + 1
	assert.False(t, p.allows(0, r))
}

// A fifth of the runs is slow. Each time the reader tries it finds out, soon, and waits for longer.
func TestAFunctionThatIsSlowNowAndThenIsTriedLessAndLess(t *testing.T) {
	var p pace
	r := on(micro)
	now := time.Duration(0)
	for round, most := range []int{mostLate + 1, mostLate/2 + 1, mostLate/2 + 1, mostLate/2 + 1} {
		p.learnOf(lessons, 3*micro)
		held := 0
		for i := 0; p.allows(now, r); i++ {
			took := 3 * micro
			if i%5 == 0 {
				took, held = time.Millisecond, held+1
			}
			p.learnInline(took, now)
		}
		assert.Equal(t, most, held, "round %d", round)
		assert.Equal(t, leastRest<<round, p.until-now)
		now = p.until
		assert.False(t, p.allows(now, r), "it is to be seen in goroutines again")
	}
}

func TestRunsThatTheWatchHasFoundEndThat(t *testing.T) {
	p := pace{outside: estimate{seen: lessons}}
	for range 2 {
		p.stuck(0)
		assert.True(t, p.allows(0, on(micro)))
	}
	p.stuck(0)
	assert.False(t, p.allows(0, on(micro)))
}

// The first runs of all are slow: nothing is in a cache.
func TestAnEstimateBeginsWithTheLeastOfTheFirst(t *testing.T) {
	var e estimate
	for _, took := range []time.Duration{90, 80, 3, 70, 60, 50, 40} {
		e.high(took * micro)
		assert.False(t, e.known())
	}
	e.high(30 * micro)
	assert.True(t, e.known())
	assert.Equal(t, 3*micro, e.value)
}

func TestEstimatesFollowQuartiles(t *testing.T) {
	tests := map[string]struct {
		learn       func(*estimate, time.Duration)
		least, most time.Duration
	}{
		"low":  {(*estimate).low, 20 * micro, 30 * micro},
		"high": {(*estimate).high, 70 * micro, 80 * micro},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var e estimate
			for i := range 20_000 {
				test.learn(&e, time.Duration(i*37%100)*micro) // 0 to 99, all alike often
			}
			assert.GreaterOrEqual(t, e.value, test.least)
			assert.LessOrEqual(t, e.value, test.most)
		})
	}
}
