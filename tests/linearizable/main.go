// Checks that a history of stock, as many clients saw it, is linearizable: there is one order of all operations, each
// between its call and its answer, in which the rules of inventory give each client the answer it got.
//
// usage: linearizable FILE [TIMEOUT]
//
// One JSON object a line; history.go says which. Exit status: 0 linearizable, 1 not, 2 not decided in time or not a
// history.
package main

import (
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

func model(bank Biobank) porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return State{} },
		Step: func(state, input, output interface{}) (bool, interface{}) {
			return state.(State).step(bank, input.(Operation), output.(Outcome))
		},
		Equal: func(a, b interface{}) bool { return a.(State) == b.(State) },
		Hash:  func(state interface{}) uint64 { return state.(State).hash() },
	}
}

// Check says whether one world is linearizable, and of one that is not, how far an order could be found.
func Check(world *World, timeout time.Duration, report io.Writer) porcupine.CheckResult {
	result, info := porcupine.CheckOperationsVerbose(model(world.Bank), world.Operations, timeout)
	if result == porcupine.Illegal {
		explain(world, info, report)
	}
	return result
}

// explain prints the end of the longest order that was found, the state that it leads to, and which operations had to
// come next and what the rules would have answered them.
func explain(world *World, info porcupine.LinearizationInfo, report io.Writer) {
	const shown = 12
	var longest []porcupine.Operation
	for _, partials := range info.PartialLinearizationsOperations() {
		for _, partial := range partials {
			if len(partial) > len(longest) {
				longest = partial
			}
		}
	}
	fmt.Fprintf(report, "%s: capacities %v; %d of %d operations could be ordered. The last of them:\n", world.Name,
		world.Bank.Capacities, len(longest), len(world.Operations))
	state := State{}
	for i, op := range longest {
		_, state = state.step(world.Bank, op.Input.(Operation), op.Output.(Outcome))
		if i >= len(longest)-shown {
			print(report, op)
		}
	}
	fmt.Fprintf(report, "which leads to %v. One of these had to follow:\n", state)
	for _, op := range following(world.Operations, longest) {
		print(report, op)
		if op.Input.(Operation).Kind == "state" {
			continue
		}
		if after, refusal := state.apply(world.Bank, op.Input.(Operation)); refusal != "" {
			fmt.Fprintf(report, "      the rules: refused: %s\n", refusal)
		} else {
			fmt.Fprintf(report, "      the rules: %v\n", after[op.Input.(Operation).Item])
		}
	}
}

// following gives those left out that began before any of those left out had ended.
func following(all, ordered []porcupine.Operation) []porcupine.Operation {
	type key struct {
		client       int
		call, answer int64
		input        Operation
	}
	keyOf := func(op porcupine.Operation) key { return key{op.ClientId, op.Call, op.Return, op.Input.(Operation)} }
	done := map[key]int{}
	for _, op := range ordered {
		done[keyOf(op)]++
	}
	var left, next []porcupine.Operation
	for _, op := range all {
		if done[keyOf(op)]--; done[keyOf(op)] < 0 {
			left = append(left, op)
		}
	}
	sort.Slice(left, func(i, j int) bool { return left[i].Return < left[j].Return })
	for _, op := range left {
		if op.Call <= left[0].Return {
			next = append(next, op)
		}
	}
	return next
}

func print(report io.Writer, op porcupine.Operation) {
	fmt.Fprintf(report, "  [%d, %d] client %d: %v -> %v\n", op.Call, op.Return, op.ClientId, op.Input, op.Output)
}

func (s State) hash() uint64 {
	hash := uint64(14695981039346656037) // FNV-1a, by words.
	for _, item := range s {
		for _, word := range []int64{int64(item.Location), item.Units, item.Issued, item.Movements} {
			hash = (hash ^ uint64(word)) * 1099511628211
		}
	}
	return hash
}

func run(arguments []string) int {
	timeout := time.Minute
	if len(arguments) == 2 {
		parsed, err := time.ParseDuration(arguments[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		timeout = parsed
	} else if len(arguments) != 1 {
		fmt.Fprintln(os.Stderr, "usage: linearizable FILE [TIMEOUT]")
		return 2
	}
	file, err := os.Open(arguments[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer file.Close()
	worlds, err := ReadHistory(file)
	if err != nil || len(worlds) == 0 {
		fmt.Fprintln(os.Stderr, "not a history:", err)
		return 2
	}
	status := 0
	operations := 0
	start := time.Now()
	for _, world := range worlds {
		operations += len(world.Operations)
		switch Check(world, timeout, os.Stdout) {
		case porcupine.Illegal:
			status = 1
		case porcupine.Unknown:
			fmt.Printf("%s: not decided in %v\n", world.Name, timeout)
			if status == 0 {
				status = 2
			}
		}
	}
	if status == 0 {
		fmt.Printf("linearizable: %d operations in %d worlds, checked in %.2f s\n", operations, len(worlds), time.Since(start).Seconds())
	}
	return status
}

func main() { os.Exit(run(os.Args[1:])) }
