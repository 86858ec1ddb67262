package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A sample is what one subject reached at one point of the horizontal axis, in all rounds.
type sample struct {
	x      float64 // the number that ends the name of the table
	values []float64
}

// median is the middle value, or what lies between the two in the middle.
func (s sample) median() float64 {
	sorted := slices.Sorted(slices.Values(s.values))
	last := len(sorted) - 1
	return (sorted[last/2] + sorted[(last+1)/2]) / 2
}

// key is a line: the rates of one subject over the tables of one kind.
type key struct{ table, subject string }

// The columns of the results.
const (
	columnTable = iota
	columnMetric
	columnSubject
	columnRound
	columnValue
	columns
)

// readSamples returns the rates in a file of results. Tables that belong together are named
// with a number at the end: callers-64.
func readSamples(path string) (map[key][]sample, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	reader := csv.NewReader(file)
	reader.FieldsPerRecord = columns
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	samples := map[key][]sample{}
	for _, record := range records {
		table, x, isNumbered := splitTable(record[columnTable])
		if !isNumbered || record[columnMetric] != "rate" {
			continue
		}
		value, err := strconv.ParseFloat(record[columnValue], 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: a value: %w", path, err)
		}
		line := key{table, record[columnSubject]}
		samples[line] = add(samples[line], x, value)
	}
	return samples, nil
}

func splitTable(name string) (table string, x float64, ok bool) {
	table, number, _ := strings.Cut(name, "-")
	x, err := strconv.ParseFloat(number, 64)
	return table, x, err == nil
}

func add(line []sample, x, value float64) []sample {
	at := slices.IndexFunc(line, func(s sample) bool { return s.x == x })
	if at < 0 {
		at, line = len(line), append(line, sample{x: x})
	}
	line[at].values = append(line[at].values, value)
	return line
}
