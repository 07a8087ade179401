// The laws that the official Go SDK must see hold on a mesh, one line of JSON for each: {"name", "ok", "detail"}.
//
//	laws list <json|protobuf>
//	laws judge <json|protobuf> <run> <control> <moving url> <first gateway> <second gateway>
//
// What an SDK cannot do (publish with tags, end a user, move the proxy to the other gateway) is asked of <control>.
// Names of users and channels begin with <run>, so that several runs may share a mesh.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type law struct {
	name  string
	holds func(*world)
}

type verdict struct {
	Name   string `json:"name"`
	Ok     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
	Ms     int64  `json:"ms"`
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "list":
		for _, one := range laws {
			fmt.Println(one.name)
		}
		fmt.Println(pingLaw)
	case len(os.Args) == 8 && os.Args[1] == "judge":
		judge()
	default:
		fmt.Fprintln(os.Stderr, "usage: laws list <json|protobuf> | laws judge <json|protobuf> <run> <control> <moving> <gateway> <gateway>")
		os.Exit(2)
	}
}

func judge() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	pinged := newWorld("pinged")
	answersPings := staysForPings(pinged)
	for number, one := range laws {
		report(out, one.name, newWorld(fmt.Sprintf("l%d", number)), one.holds)
	}
	report(out, pingLaw, pinged, answersPings)
}

func report(out *json.Encoder, name string, w *world, holds func(*world)) {
	startedAt := time.Now()
	detail := broken(w, holds)
	w.end()
	_ = out.Encode(verdict{name, detail == "", detail, time.Since(startedAt).Milliseconds()})
}

// What a law threw, or nothing.
func broken(w *world, holds func(*world)) (detail string) {
	defer func() {
		if thrown := recover(); thrown != nil {
			detail = fmt.Sprint(thrown)
		}
	}()
	holds(w)
	return ""
}
