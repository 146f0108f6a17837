package main

import "fmt"

const maxItems = 24

// Item is the stock of one sample. Zero: it was never received.
type Item struct {
	Location  int   `json:"location"` // 0 or 1
	Units     int64 `json:"units"`
	Issued    int64 `json:"issued"`
	Movements int64 `json:"movements"` // Also its version, which etags show.
}

// State of a biobank: it is a value, so that states compare and copy as they are.
type State [maxItems]Item

// Biobank is what never changes while clients work on it: how many items with stock fit into each location.
type Biobank struct {
	Capacities [2]int
}

// Operation as a client asked for it.
type Operation struct {
	Kind     string // receive, move, adjust, issue, return; get: a strict read; state: what a replica showed at the end
	Item     int
	Location int   // receive, move
	Units    int64 // receive, adjust (what was counted), issue, return
	Etag     int64 // Version that the item must have; 0: any.
}

// Outcome as the client was told.
type Outcome struct {
	Known  bool   // False: it may have happened, and may yet.
	Reason string // Of a refusal; empty: it was done.
	After  Item   // As the answer showed it.
	State  State  // Of kind state.
}

func (s *State) isFull(bank Biobank, location int) bool {
	held := 0
	for _, item := range s {
		if item.Units > 0 && item.Location == location {
			held++
		}
	}
	return held >= bank.Capacities[location]
}

// apply is the rules of inventory: why the operation is refused, or the state after it. The order of the rules counts
// where several are broken.
func (s State) apply(bank Biobank, op Operation) (State, string) {
	item := &s[op.Item]
	known := item.Movements > 0
	if op.Kind == "receive" {
		if known {
			return s, "INVENTORY_ITEM_EXISTS"
		}
		if s.isFull(bank, op.Location) {
			return s, "LOCATION_FULL"
		}
		*item = Item{Location: op.Location, Units: op.Units, Movements: 1}
		return s, ""
	}
	if !known {
		return s, "NOT_FOUND"
	}
	if op.Kind == "get" {
		return s, ""
	}
	if op.Etag != 0 && op.Etag != item.Movements {
		return s, "ETAG_MISMATCH"
	}
	switch op.Kind {
	case "move":
		if op.Location == item.Location {
			return s, "" // It is there: an answer, and no movement.
		}
		if item.Units > 0 && s.isFull(bank, op.Location) {
			return s, "LOCATION_FULL"
		}
		item.Location = op.Location
	case "adjust":
		if op.Units == item.Units {
			return s, ""
		}
		if item.Units == 0 && s.isFull(bank, item.Location) {
			return s, "LOCATION_FULL"
		}
		item.Units = op.Units
	case "issue":
		if item.Units == 0 {
			return s, "SAMPLE_NOT_STORED" // The last of it went: it is DEPLETED.
		}
		if op.Units > item.Units {
			return s, "OVER_ISSUE"
		}
		item.Units -= op.Units
		item.Issued += op.Units
	case "return":
		if op.Units > item.Issued {
			return s, "OVER_RETURN"
		}
		if item.Units == 0 && s.isFull(bank, item.Location) {
			return s, "LOCATION_FULL"
		}
		item.Units += op.Units
		item.Issued -= op.Units
	default:
		panic("unknown operation " + op.Kind)
	}
	item.Movements++
	return s, ""
}

// step says whether the outcome is the one that the rules give in this state, and the state after it.
func (s State) step(bank Biobank, op Operation, outcome Outcome) (bool, State) {
	if op.Kind == "state" {
		return s == outcome.State, s
	}
	after, refusal := s.apply(bank, op)
	if refusal != "" {
		return !outcome.Known || refusal == outcome.Reason, s
	}
	if !outcome.Known {
		return true, after
	}
	return outcome.Reason == "" && outcome.After == after[op.Item], after
}

func (op Operation) String() string {
	text := op.Kind
	if op.Kind == "state" {
		return text
	}
	text += fmt.Sprintf(" item %d", op.Item)
	if op.Kind == "receive" || op.Kind == "move" {
		text += fmt.Sprintf(" location %d", op.Location)
	}
	if op.Kind != "move" && op.Kind != "get" {
		text += fmt.Sprintf(" units %d", op.Units)
	}
	if op.Etag != 0 {
		text += fmt.Sprintf(" etag %d", op.Etag)
	}
	return text
}

func (o Outcome) String() string {
	switch {
	case !o.Known:
		return "unknown"
	case o.Reason != "":
		return "refused: " + o.Reason
	case o.State != State{}:
		return o.State.String()
	}
	return o.After.String()
}

func (i Item) String() string {
	return fmt.Sprintf("{location %d, %d units, %d issued, %d movements}", i.Location, i.Units, i.Issued, i.Movements)
}

func (s State) String() string {
	text := ""
	for number, item := range s {
		if item.Movements > 0 {
			text += fmt.Sprintf(" %d:%v", number, item)
		}
	}
	return "[" + text + " ]"
}
