package main

import (
	"fmt"
	"strings"

	"github.com/centrifugal/centrifuge-go"
)

var featureLaws = append([]law{
	{"[8.4] patches bring what was published, to readers with and without them, letters of all sizes", patches},
	{"[8.3] patches go on after a move to another gateway", patchesAfterMove},
	{"[14.3] only publications whose tags match come, recovered ones too", filters},
	{"[14.1] a filter where the namespace allows none is 107", filterRefused},
	{"[7.7] of a channel that is one value the newest comes, however much was missed", newestValue},
}, encodingLaws()...)

func encodingLaws() []law {
	if encoding == "protobuf" {
		return []law{{"[2.11] bytes that are no JSON pass as they are", passesBytes}}
	}
	return []law{{"[6.3] bytes that are no JSON end a client that speaks JSON, with 3506", endsForBytes}}
}

func value(n int) string {
	return fmt.Sprintf(`{"n":%d,"text":"%s","tail":"%s"}`, n, strings.Repeat("жизнь 🙂 ", 12)+string(rune('а'+n%30)), strings.Repeat("x", 60))
}

func values(from, to int) (all []string) {
	for n := from; n < to; n++ {
		all = append(all, value(n))
	}
	return all
}

func publishValues(c *client, channel string, from, to int) {
	for n := from; n < to; n++ {
		_, err := c.sdk.Publish(soon(), channel, []byte(value(n)))
		must(err)
	}
}

func patches(w *world) {
	with, without, writer := w.connect(gateways[0], ""), w.connect(gateways[0], ""), w.connect(gateways[1], "")
	channel := w.channel("patched")
	with.subscribe(channel, plain{Delta: centrifuge.DeltaTypeFossil})
	without.subscribe(channel, plain{})
	publishValues(writer, channel, 0, 20)
	same("with patches", joined(with.texts("publication", channel, 20)), joined(values(0, 20)))
	eventually("patches for all but the first", func() bool { return strings.Count(with.String(), `"delta":true`) == 19 })
	same("without", joined(without.texts("publication", channel, 20)), joined(values(0, 20)))
}

func patchesAfterMove(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel := w.channel("patched")
	reader.subscribe(channel, plain{Delta: centrifuge.DeltaTypeFossil})
	publishValues(writer, channel, 0, 3)
	reader.wait("publication", channel, 3)
	w.move(func() { publishValues(writer, channel, 3, 6) })
	reader.wait("publication", channel, 6)
	w.move(func() {})
	reader.wait("subscribed", channel, 3)
	publishValues(writer, channel, 6, 9)
	same("publications", joined(reader.texts("publication", channel, 9)), joined(values(0, 9)))
}

func filters(w *world) {
	reader, channel := w.connect(moving, ""), w.channel("tagged")
	filter := centrifuge.FilterAnd(
		centrifuge.FilterIn("colour", "red", "blue"),
		centrifuge.FilterNot(centrifuge.FilterEq("size", "2")),
		centrifuge.FilterGte("price", "10.5"),
	)
	reader.subscribe(channel, plain{TagsFilter: filter})
	some := func(from int) {
		tags := []string{"colour=red,price=10.5", "colour=red,size=2,price=11", "price=99", "colour=blue,price=9.99", "colour=blue,price=100"}
		for n, one := range tags {
			w.serverPublishes(channel, string(numbered(from+n)), one)
		}
	}
	some(0)
	reader.wait("publication", channel, 2)
	w.move(func() { some(10) })
	reader.wait("publication", channel, 4)
	some(20)
	wanted := `{"n":0} {"n":4} {"n":10} {"n":14} {"n":20} {"n":24}`
	same("publications", joined(reader.texts("publication", channel, 6)), wanted)
	same("tags", reader.first("publication", channel).event.(published).Tags["colour"], "red")
	again := reader.wait("subscribed", channel, 2)[1].event.(subscribed)
	holds("recovered", again.Recovered)
}

func filterRefused(w *world) {
	reader, channel := w.connect(gateways[0], ""), w.channel("room")
	must(reader.subscription(channel, plain{TagsFilter: centrifuge.FilterEq("colour", "red")}).Subscribe())
	same("the code", reader.first("unsubscribed", channel).text, "107")
}

func newestValue(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel := w.channel("value")
	reader.subscribe(channel, plain{})
	publishAll(w, writer, channel, 0, 1)
	reader.wait("publication", channel, 1)
	w.move(func() { publishAll(w, writer, channel, 1, 30) })
	holds("recovered", reader.wait("subscribed", channel, 2)[1].event.(subscribed).Recovered)
	publishAll(w, writer, channel, 30, 31)
	same("publications", reader.texts("publication", channel, 3), []string{`{"n":0}`, `{"n":29}`, `{"n":30}`})
}

var bytesNoJson = []byte{0, 1, 2, 0xff, 0xfe, '\n', '"', 0x80}

func passesBytes(w *world) {
	reader, writer := w.connect(gateways[0], ""), w.connect(gateways[1], "")
	channel := w.channel("raw")
	reader.subscribe(channel, plain{})
	_, err := writer.sdk.Publish(soon(), channel, bytesNoJson)
	must(err)
	same("live", reader.first("publication", channel).text, string(bytesNoJson))
	kept, err := reader.sdk.History(soon(), channel, centrifuge.WithHistoryLimit(1))
	must(err)
	same("kept", string(kept.Publications[0].Data), string(bytesNoJson))
}

func endsForBytes(w *world) {
	reader := w.connect(gateways[0], "")
	channel := w.channel("raw")
	reader.subscribe(channel, plain{})
	w.ask("publish-bytes", map[string]string{"channel": channel})
	same("the code", reader.first("disconnected", "").text, "3506")
}
