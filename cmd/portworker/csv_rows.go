package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"portworker"
	"portworker/cmd/portworker/internal/localfile"
	"portworker/etf"
	"portworker/streaming"
)

// csvPosition is the details of the error for a row that cannot be read.
type csvPosition struct {
	Line   int // from 1
	Column int // from 1, in bytes
}

// csvRows reads a file as RFC 4180 has it. A row is a list of its fields, or a map from the columns'
// names to them; then all rows are of one width. It is valid until the next is asked for.
func csvRows(_ context.Context, path string, options *csvOptions) iter.Seq2[any, error] {
	format, err := options.format()
	if err != nil {
		return streaming.Fail[any](err)
	}
	return func(yield func(any, error) bool) {
		file, _, err := localfile.Open(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()
		rows := newCSVReader(file, format)
		for {
			row, err := rows.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, csvError(path, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// csvReader reads the rows of one file.
type csvReader struct {
	rows   *csv.Reader
	source *allowance
	format csvFormat
	names  []string // of the columns, once they are read
	line   int      // where the last field so far began
}

func newCSVReader(file io.Reader, format csvFormat) *csvReader {
	source := &allowance{from: file}
	source.renew(format.maxRow)
	buffered := bufio.NewReaderSize(source, 64<<10)
	// What spreadsheets put before the first name is no part of it.
	const mark = "\uFEFF"
	if head, _ := buffered.Peek(len(mark)); string(head) == mark {
		buffered.Discard(len(mark)) // which Peek has read
	}
	rows := csv.NewReader(buffered)
	rows.Comma, rows.Comment, rows.LazyQuotes = format.separator, format.comment, format.lazyQuotes
	rows.ReuseRecord = true
	if !format.header {
		rows.FieldsPerRecord = -1
	}
	return &csvReader{rows: rows, source: source, format: format}
}

func (r *csvReader) next() (any, error) {
	if !r.format.header {
		return r.read()
	}
	if r.names == nil {
		fields, err := r.read()
		if err != nil {
			return nil, err
		}
		for i, name := range fields {
			if slices.Contains(fields[:i], name) {
				return nil, r.errorAt(i, fmt.Errorf("column name %q: expected once, got twice", name))
			}
		}
		r.names = slices.Clone(fields)
	}
	fields, err := r.read()
	if err != nil {
		return nil, err
	}
	row := make(etf.Map, len(fields))
	for i, field := range fields {
		row[i] = etf.Pair{Key: r.names[i], Value: field}
	}
	return row, nil
}

func (r *csvReader) read() ([]string, error) {
	r.source.renew(r.format.maxRow)
	fields, err := r.rows.Read()
	if errors.Is(err, errLongRow) {
		// The parser does not place the errors of its source.
		where := "the first row"
		if r.line > 0 {
			where = fmt.Sprintf("the row after line %d", r.line)
		}
		return nil, fmt.Errorf("%s: %w of %d bytes", where, err, r.format.maxRow)
	}
	if err == nil {
		r.line, _ = r.rows.FieldPos(len(fields) - 1)
	}
	return fields, err
}

// errorAt is an error in a field of the row that was read last.
func (r *csvReader) errorAt(field int, err error) error {
	line, column := r.rows.FieldPos(field)
	return &csv.ParseError{StartLine: line, Line: line, Column: column, Err: err}
}

// csvError says where a file is at fault, in words and in details.
func csvError(path string, err error) error {
	failure := &portworker.Error{Reason: portworker.Failed, Message: fmt.Sprintf("read %s: %v", path, err)}
	if at, ok := errors.AsType[*csv.ParseError](err); ok {
		failure.Details = csvPosition{Line: at.Line, Column: at.Column}
	}
	return failure
}

var errLongRow = errors.New("longer than max_row")

// allowance reads no further than it is allowed: a quote that is never closed does not bring a whole
// file into memory.
type allowance struct {
	from io.Reader
	left int
}

// renew allows a row of so many bytes and its line end; comments before the row count.
func (a *allowance) renew(row int) { a.left = row + len("\r\n") }

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errLongRow
	}
	n, err := a.from.Read(p)
	a.left -= n
	return n, err
}
