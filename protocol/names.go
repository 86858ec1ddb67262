package protocol

// Version is the version of the protocol this package speaks. It is sent in
// both hellos.
const Version = 1

// The first element of every message. These words are the wire: they never
// change, and a new version of the protocol may only add to them.
const (
	tagHello     = "hello"
	tagCall      = "call"
	tagCancel    = "cancel"
	tagCredit    = "credit"
	tagSend      = "send"
	tagClose     = "close"
	tagOwnerDown = "owner_down"
	tagReply     = "reply"
	tagAck       = "ack"
	tagPing      = "ping"
	tagDrain     = "drain"

	tagResult   = "result"
	tagProgress = "progress"
	tagData     = "data"
	tagCallback = "callback"
	tagNotify   = "notify"
	tagLog      = "log"
	tagPong     = "pong"
	tagReplace  = "replace"
	tagFault    = "fault"
)
