package protocol

const (
	// leastLoan is the size from which the memory of a packet is worth to be used again. Smaller packets share
	// theirs.
	leastLoan = chunkSize + 1
	// mostLoan is the largest that is kept for it: what is read into memory that was made at once.
	mostLoan = eagerSize
	// loansKept is how much of it waits for packets: one is read while the result of another is written.
	loansKept = 2
)

// loan is the memory of a packet that goes back to who has read it.
type loan struct {
	memory []byte // nil if there is none
	to     chan<- []byte
}

// lendable reports whether a packet of n bytes, header included, is to have memory of its own that can be lent.
func lendable(n int) bool { return n >= leastLoan && n <= mostLoan }

// memory returns memory for n bytes: what came back, if it is large enough.
func (p *PacketReader) memory(n int) []byte {
	select {
	case b := <-p.returned:
		if cap(b) >= n {
			return b
		}
	default:
	}
	return uncleared((n + chunkSize - 1) / chunkSize * chunkSize)
}

// Lend gives the memory of the packet that [PacketReader.Next] returned last to o: once o has been written, other packets
// are read into it. Nobody but o may use the packet any longer then. A packet of up to 64 KiB or of more than 4 MiB stays
// as it is. An o that is discarded keeps it.
//
// To read into the same memory again spares a large packet a tenth of its time: it is in the processor's cache, and needs no
// collection.
func (p *PacketReader) Lend(o *Outgoing) {
	if p.whole != nil {
		o.loan = loan{p.whole, p.returned}
		p.whole = nil
	}
}

// giveBack makes the memory that of another packet.
func (l *loan) giveBack() {
	if l.memory == nil {
		return
	}
	spoil(l.memory)
	select {
	case l.to <- l.memory[:0]:
	default:
	}
	*l = loan{}
}
