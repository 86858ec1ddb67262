// Package protocol is the conversation between a worker and its client, as
// bytes: packets, the closed set of messages, two codecs and one writer.
//
// A packet is a four-byte big-endian length and that many bytes
// ([PacketReader]). It holds one message or a batch of them in the External
// Term Format, or in MessagePack for clients that have no BEAM ([Codec]).
// [Parser] turns a packet into messages without decoding what they carry: a
// [Call] keeps its arguments as bytes, to be decoded by the goroutine that runs
// it. [Codec] also builds what goes back, and [Writer] is the only thing that
// writes it: it collects what is ready into one packet, and one packet into one
// write.
//
// The package knows nothing of tasks. It starts no goroutine but the one that
// flushes on behalf of a caller that must not block.
package protocol
