package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/anishathalye/porcupine"
)

// World is a biobank and everything that clients did in it.
type World struct {
	Name       string
	Bank       Biobank
	Operations []porcupine.Operation
}

// One line of a history file: {"world", "capacities"} begins a world; all others are operations in one.
type line struct {
	World      string  `json:"world"`
	Capacities []int   `json:"capacities"`
	Client     int     `json:"client"`
	Operation  string  `json:"operation"`
	Item       int     `json:"item"`
	Location   int     `json:"location"`
	Units      int64   `json:"units"`
	Etag       int64   `json:"etag"`
	Invoke     int64   `json:"invoke"`  // Nanoseconds of one clock.
	Return     *int64  `json:"return"`  // Not there: nobody was told.
	Outcome    string  `json:"outcome"` // ok, fail, unknown
	Reason     string  `json:"reason"`
	After      *Item   `json:"after"`
	Items      []*Item `json:"items"` // Of operation state.
}

func (l line) operation() (porcupine.Operation, error) {
	op := Operation{l.Operation, l.Item, l.Location, l.Units, l.Etag}
	outcome := Outcome{Known: l.Outcome != "unknown"}
	parsed := porcupine.Operation{ClientId: l.Client, Call: l.Invoke, Return: math.MaxInt64}
	switch {
	case l.Item < 0 || l.Item >= maxItems || len(l.Items) > maxItems || l.Location < 0 || l.Location > 1:
		return parsed, fmt.Errorf("no such item or location: %+v", l)
	case l.Outcome == "fail" && l.Reason != "":
		outcome.Reason = l.Reason
	case l.Outcome == "ok" && l.Operation == "state":
		for i, item := range l.Items {
			if item != nil {
				outcome.State[i] = *item
			}
		}
	case l.Outcome == "ok" && l.After != nil:
		outcome.After = *l.After
	case outcome.Known:
		return parsed, fmt.Errorf("an outcome without what it was: %+v", l)
	}
	if outcome.Known {
		if l.Return == nil || *l.Return < l.Invoke {
			return parsed, fmt.Errorf("it returned before it began: %+v", l)
		}
		parsed.Return = *l.Return
	}
	parsed.Input, parsed.Output = op, outcome
	return parsed, nil
}

// ReadHistory reads worlds in the order in which they begin. What it does not understand is an error: a line left out
// would be a check left out.
func ReadHistory(from io.Reader) ([]*World, error) {
	var worlds []*World
	byName := map[string]*World{}
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			return nil, err
		}
		world := byName[l.World]
		if l.Capacities != nil {
			if world != nil || len(l.Capacities) != 2 {
				return nil, fmt.Errorf("world %q: begun twice, or without two capacities", l.World)
			}
			world = &World{Name: l.World, Bank: Biobank{[2]int(l.Capacities)}}
			byName[l.World] = world
			worlds = append(worlds, world)
			continue
		}
		if world == nil {
			return nil, fmt.Errorf("world %q was not begun", l.World)
		}
		op, err := l.operation()
		if err != nil {
			return nil, err
		}
		world.Operations = append(world.Operations, op)
	}
	return worlds, scanner.Err()
}
