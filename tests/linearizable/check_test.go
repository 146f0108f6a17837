package main

import (
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const begin = `{"world": "w", "capacities": [1, 2]}` + "\n"

// Each of these says in short what a line of a history file says.
func received(client, item, location int, units string, from, to string) string {
	return entry(client, `"receive"`, item, location, units, from, to,
		`"outcome": "ok", "after": {"location": `+digit(location)+`, "units": `+units+`, "issued": 0, "movements": 1}`)
}

func entry(client int, operation string, item, location int, units, from, to, outcome string) string {
	text := `{"world": "w", "client": ` + digit(client) + `, "operation": ` + operation + `, "item": ` + digit(item) +
		`, "location": ` + digit(location) + `, "units": ` + units + `, "invoke": ` + from
	if to != "" {
		text += `, "return": ` + to
	}
	return text + ", " + outcome + "}\n"
}

func digit(number int) string { return string(rune('0' + number)) }

func after(location int, units, issued, movements string) string {
	return `"outcome": "ok", "after": {"location": ` + digit(location) + `, "units": ` + units + `, "issued": ` + issued +
		`, "movements": ` + movements + `}`
}

func refused(reason string) string { return `"outcome": "fail", "reason": "` + reason + `"` }

const unknown = `"outcome": "unknown"`

func final(items string) string {
	return `{"world": "w", "client": 9, "operation": "state", "invoke": 900, "return": 901, "outcome": "ok", "items": [` + items + "]}\n"
}

func TestHistories(t *testing.T) {
	moveOut := entry(2, `"move"`, 0, 1, "0", "20", "30", after(1, "5", "0", "2"))
	for _, test := range []struct {
		name, history string
		want          porcupine.CheckResult
	}{
		{"one after the other", received(1, 0, 0, "5", "1", "10") + moveOut +
			final(`{"location": 1, "units": 5, "issued": 0, "movements": 2}`), porcupine.Ok},
		{"a refusal while there is no room", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"receive"`, 1, 0, "7", "11", "12", refused("LOCATION_FULL")), porcupine.Ok},
		{"a refusal that overlaps what made room", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"receive"`, 1, 0, "7", "25", "40", refused("LOCATION_FULL")), porcupine.Ok},
		{"a stale refusal: room was made and acknowledged before", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"receive"`, 1, 0, "7", "31", "40", refused("LOCATION_FULL")), porcupine.Illegal},
		{"a stale refusal: it was received before", received(1, 0, 0, "5", "1", "10") +
			entry(3, `"issue"`, 0, 0, "1", "11", "40", refused("NOT_FOUND")), porcupine.Illegal},
		{"a stale refusal: an etag that is right", received(1, 0, 0, "5", "1", "10") +
			`{"world": "w", "operation": "issue", "units": 1, "etag": 1, "invoke": 11, "return": 12, "outcome": "fail", "reason": "ETAG_MISMATCH"}` + "\n",
			porcupine.Illegal},
		{"a read of what was acknowledged", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"get"`, 0, 0, "0", "31", "40", after(1, "5", "0", "2")), porcupine.Ok},
		{"a read that overlaps a move", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"get"`, 0, 0, "0", "25", "40", after(0, "5", "0", "1")), porcupine.Ok},
		{"a stale read: it was moved before", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"get"`, 0, 0, "0", "31", "40", after(0, "5", "0", "1")), porcupine.Illegal},
		{"a read of what another saw undone", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"get"`, 0, 0, "0", "21", "23", after(1, "5", "0", "2")) +
			entry(4, `"get"`, 0, 0, "0", "24", "26", after(0, "5", "0", "1")), porcupine.Illegal},
		{"another reason than the rules give", received(1, 0, 0, "5", "1", "10") +
			entry(3, `"issue"`, 0, 0, "6", "11", "40", refused("OVER_RETURN")), porcupine.Illegal},
		{"an acknowledged move is lost", received(1, 0, 0, "5", "1", "10") + moveOut +
			final(`{"location": 0, "units": 5, "issued": 0, "movements": 1}`), porcupine.Illegal},
		{"a later writer did not know of an acknowledged move", received(1, 0, 0, "5", "1", "10") + moveOut +
			entry(3, `"issue"`, 0, 0, "1", "31", "40", after(0, "4", "1", "2")), porcupine.Illegal},
		{"an issue is done twice", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"issue"`, 0, 0, "1", "20", "30", after(0, "4", "1", "2")) +
			final(`{"location": 0, "units": 3, "issued": 2, "movements": 3}`), porcupine.Illegal},
		{"a move there and back, of which one was never asked for", received(1, 0, 0, "5", "1", "10") + moveOut +
			final(`{"location": 0, "units": 5, "issued": 0, "movements": 3}`), porcupine.Illegal},
		{"more in a location than it takes", received(1, 0, 0, "5", "1", "10") +
			received(2, 1, 0, "7", "11", "20"), porcupine.Illegal},
		{"more at the same time than a location takes", received(1, 0, 0, "5", "1", "20") +
			received(2, 1, 0, "7", "2", "20"), porcupine.Illegal},
		{"more issued than there is", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"issue"`, 0, 0, "6", "20", "30", after(0, "-1", "6", "2")), porcupine.Illegal},
		{"nobody knows, and it happened", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"move"`, 0, 1, "0", "20", "", unknown) +
			entry(3, `"receive"`, 1, 0, "7", "50", "60", after(0, "7", "0", "1")), porcupine.Ok},
		{"nobody knows, and it happened late", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"move"`, 0, 1, "0", "20", "", unknown) +
			entry(3, `"receive"`, 1, 0, "7", "50", "60", refused("LOCATION_FULL")) +
			entry(3, `"receive"`, 1, 0, "7", "70", "80", after(0, "7", "0", "1")), porcupine.Ok},
		{"nobody knows, and it never happened", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"move"`, 0, 1, "0", "20", "", unknown) +
			final(`{"location": 0, "units": 5, "issued": 0, "movements": 1}`), porcupine.Ok},
		{"nobody knows, and it happened before it was asked for", entry(2, `"receive"`, 0, 0, "5", "20", "", unknown) +
			entry(3, `"issue"`, 0, 0, "1", "1", "10", after(0, "4", "1", "2")), porcupine.Illegal},
		{"nobody knows, and it happened twice", received(1, 0, 0, "5", "1", "10") +
			entry(2, `"issue"`, 0, 0, "1", "20", "", unknown) +
			final(`{"location": 0, "units": 3, "issued": 2, "movements": 3}`), porcupine.Illegal},
		{"replicas differ", received(1, 0, 0, "5", "1", "10") +
			final(`{"location": 0, "units": 5, "issued": 0, "movements": 1}`) + final(`null`), porcupine.Illegal},
	} {
		t.Run(test.name, func(t *testing.T) {
			worlds, err := ReadHistory(strings.NewReader(begin + test.history))
			if err != nil {
				t.Fatal(err)
			}
			var report strings.Builder
			if got := Check(worlds[0], time.Minute, &report); got != test.want {
				t.Errorf("%s, not %s\n%s", got, test.want, report.String())
			}
			if (test.want == porcupine.Illegal) != strings.Contains(report.String(), "had to follow") {
				t.Errorf("the report is %q", report.String())
			}
		})
	}
}

func TestTheReportNamesWhatCouldNotBeOrdered(t *testing.T) {
	worlds, err := ReadHistory(strings.NewReader(begin + received(1, 0, 0, "5", "1", "10") +
		entry(2, `"move"`, 0, 1, "0", "20", "30", after(1, "5", "0", "2")) +
		entry(3, `"receive"`, 1, 0, "7", "31", "40", refused("LOCATION_FULL"))))
	if err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	Check(worlds[0], time.Minute, &report)
	for _, part := range []string{
		"2 of 3 operations could be ordered", "client 2: move item 0 location 1 -> {location 1, 5 units, 0 issued, 2 movements}",
		"client 3: receive item 1 location 0 units 7 -> refused: LOCATION_FULL",
		"the rules: {location 0, 7 units, 0 issued, 1 movements}",
	} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("%q is not in the report:\n%s", part, report.String())
		}
	}
}

func TestWhatIsNoHistoryIsRefused(t *testing.T) {
	for _, text := range []string{
		"{", received(1, 0, 0, "5", "1", "10"), begin + begin, begin + received(1, 0, 0, "5", "10", "9"),
		begin + entry(1, `"move"`, 0, 1, "0", "1", "2", `"outcome": "ok"`),
		begin + entry(1, `"move"`, 0, 1, "0", "1", "2", `"outcome": "fail"`),
		begin + entry(1, `"move"`, 0, 1, "0", "1", "2", `"outcome": "maybe"`),
		begin + entry(1, `"move"`, 0, 2, "0", "1", "2", unknown),
	} {
		if worlds, err := ReadHistory(strings.NewReader(text)); err == nil {
			t.Errorf("%s\nwas read as %v", text, worlds)
		}
	}
}
