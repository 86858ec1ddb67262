package protocol

import "portworker/etf"

// Callback builds {callback, CallbackRef, Ref, Name, Args, Opts}. Args is a list
// that has passed the scan.
func (c Codec) Callback(id int64, ref etf.Raw, name string, args etf.Raw, opts etf.Map) (*Outgoing, error) {
	o := newOutgoing()
	o.buf = etf.AppendInt(etf.AppendAtom(etf.AppendTuple(o.buf, 6), tagCallback), id)
	o.buf = append(o.buf, ref...)
	o.buf = etf.AppendString(o.buf, name)
	o.buf = append(o.buf, args...)
	var err error
	if o.buf, err = etf.Append(o.buf, opts); err != nil {
		o.release()
		return nil, err
	}
	return c.finish(o)
}

// Notify builds {notify, To, v}.
func (c Codec) Notify(to, v any) (*Outgoing, error) {
	o := newOutgoing()
	o.buf = etf.AppendAtom(etf.AppendTuple(o.buf, 3), tagNotify)
	var err error
	if o.buf, err = etf.Append(o.buf, to); err == nil {
		o.buf, err = etf.Append(o.buf, v)
	}
	if err != nil {
		o.release()
		return nil, err
	}
	return c.finish(o)
}

// InputCredit builds {credit, Ref, n}: the client may send n more inputs.
func (c Codec) InputCredit(ref etf.Raw, n int) *Outgoing {
	o := newOutgoing()
	o.buf = etf.AppendInt(appendHead(o.buf, tagCredit, ref, 3), int64(n))
	return c.must(o)
}
