package protocol

import (
	"time"

	"portworker/etf"
)

// Message is one message from the client. The set is closed: [*Hello],
// [*Call], [*Cancel], [*Credit], [*Send], [*Close], [*OwnerDown], [*Reply],
// [*Ack], [*Ping], [*Drain] and, for what arrived and is none of these,
// [*Invalid].
//
// Every raw term in a message has passed the scan and aliases the packet it
// came in.
type Message interface{ message() }

// Hello opens a conversation that is not content with the defaults.
type Hello struct {
	Protocol  int     // the version the client speaks; 0 when it did not say
	Config    etf.Map // settings by name, as the client sent them
	Window    int     // bytes of worker output that may be unacknowledged; 0 is no bound
	LogLevel  string  // the lowest level of log records wanted; "" leaves it as it is
	Callbacks []string
	// ShortResults says that the client reads what [Codec.ShortResult] builds.
	ShortResults bool
}

// Call starts a task.
type Call struct {
	Ref      etf.Raw // any term, the client's own
	Function string
	Args     etf.Raw // a list
	CallOptions
}

// CallOptions are what a call may say beyond its name and arguments. The zero
// value, with Progress true, is a call without options.
type CallOptions struct {
	// Timeout is the task's budget from its arrival; 0 is none. A call that
	// arrives with no time left carries the smallest positive duration.
	Timeout time.Duration
	// Lane overrides the function's own; "" does not.
	Lane string
	// Owner is the term a later owner_down names, or nil.
	Owner etf.Raw
	// Credit is how many data elements may be sent at first; CreditDefault when
	// the call did not say.
	Credit int
	// Retry is the map of a retry policy, or nil.
	Retry etf.Raw
	// Name names the task in logs, stats and profiles.
	Name string
	// Meta is a map of binaries that travels along, or nil.
	Meta etf.Raw
	// Priority is PriorityLow to PriorityCritical.
	Priority Priority
	// InputCredit says that the client counts the inputs it may send, and wants
	// to be told when it may send more.
	InputCredit bool
	// Progress says whether the client wants progress messages.
	Progress bool

	number   int64 // under which the parser is to keep them
	numbered bool  // whether it is
}

// CreditDefault stands for a call that named no first credit.
const CreditDefault = -1

// Priority orders calls that wait in the same lane.
type Priority int8

// The priorities; the zero value is PriorityNormal.
const (
	PriorityLow      Priority = -1
	PriorityNormal   Priority = 0
	PriorityHigh     Priority = 1
	PriorityCritical Priority = 2
)

// Cancel stops a task.
type Cancel struct{ Ref etf.Raw }

// Credit allows N more data elements for a task.
type Credit struct {
	Ref etf.Raw
	N   int
}

// Send is one input for a channel.
type Send struct{ Ref, Term etf.Raw }

// Close says that a channel gets no more input.
type Close struct{ Ref etf.Raw }

// OwnerDown cancels every task that was started with Owner.
type OwnerDown struct{ Owner etf.Raw }

// Reply answers a callback, with a value when OK and an error otherwise.
type Reply struct {
	Ref   etf.Raw
	OK    bool
	Value etf.Raw
}

// Ack says that so many bytes of output were consumed.
type Ack struct{ Bytes int }

// Ping asks for a pong with the same term.
type Ping struct{ Term etf.Raw }

// Drain asks the worker to finish what runs and go.
type Drain struct{}

// Invalid stands for something that arrived and could not be accepted.
type Invalid struct {
	// Ref is the ref of the message where it could be read, else nil.
	Ref etf.Raw
	// Call says that it was meant as a call, so that Ref awaits a result.
	Call bool
	Err  *Error
}

func (*Hello) message()     {}
func (*Call) message()      {}
func (*Cancel) message()    {}
func (*Credit) message()    {}
func (*Send) message()      {}
func (*Close) message()     {}
func (*OwnerDown) message() {}
func (*Reply) message()     {}
func (*Ack) message()       {}
func (*Ping) message()      {}
func (*Drain) message()     {}
func (*Invalid) message()   {}
