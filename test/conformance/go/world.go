package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

// One law's clients, and its names.
type world struct {
	law     string
	clients []*client
}

func argument(n int) string {
	if n < len(os.Args) {
		return os.Args[n]
	}
	return ""
}

var (
	encoding = argument(2)
	run      = argument(3)
	control  = argument(4)
	moving   = argument(5)
	gateways = []string{argument(6), argument(7)}
)

const patience = 8 * time.Second

func newWorld(law string) *world { return &world{law: law} }

func (w *world) end() {
	for _, c := range w.clients {
		c.sdk.Close()
	}
}

func (w *world) name(what string) string { return fmt.Sprintf("%s-%s-%s", run, w.law, what) }

func (w *world) channel(namespace string) string { return namespace + ":" + w.name("a") }

// Asks the test for what no client can do; the answer's text.
func (w *world) ask(what string, params map[string]string) string {
	query := url.Values{"run": {run}}
	for key, value := range params {
		query.Set(key, value)
	}
	response, err := http.Post(control+"/"+what+"?"+query.Encode(), "text/plain", nil)
	must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(err)
	if response.StatusCode != http.StatusOK {
		fail("%s: %s", what, text)
	}
	return string(text)
}

func (w *world) token(user string, params map[string]string) string {
	all := map[string]string{"user": user}
	for key, value := range params {
		all[key] = value
	}
	return w.ask("token", all)
}

func (w *world) serverPublishes(channel, data, tags string) {
	w.ask("publish", map[string]string{"channel": channel, "data": data, "tags": tags})
}

func open(address string, config centrifuge.Config) *centrifuge.Client {
	config.MinReconnectDelay = 20 * time.Millisecond
	config.MaxReconnectDelay = 200 * time.Millisecond
	if encoding == "protobuf" {
		return centrifuge.NewProtobufClient(address, config)
	}
	return centrifuge.NewJsonClient(address, config)
}

func soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	time.AfterFunc(patience, cancel)
	return ctx
}

func fail(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func same(what string, got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		fail("%s: got %v, wanted %v", what, got, wanted)
	}
}

func holds(what string, is bool) {
	if !is {
		fail("%s: it does not hold", what)
	}
}

// The code of an error reply; 0 where there was none.
func codeOf(err error) uint32 {
	var reply *centrifuge.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	if err != nil {
		fail("no error of the server: %v", err)
	}
	return 0
}

func numbered(n int) []byte { return []byte(fmt.Sprintf(`{"n":%d}`, n)) }

func numbers(from, to int) (all []string) {
	for n := from; n < to; n++ {
		all = append(all, string(numbered(n)))
	}
	return all
}

func joined(all []string) string { return strings.Join(all, " ") }
