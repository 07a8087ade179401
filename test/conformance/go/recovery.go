package main

import (
	"github.com/centrifugal/centrifuge-go"
)

var recoveryLaws = []law{
	{"[7.5] comes back on another gateway with what it missed: no hole, no double", recovers},
	{"[7.5] where more was missed than is kept it is told so, and goes on from now", recoversNothing},
	{"[7.5] what is published while it moves from gateway to gateway comes once, in order", movesUnderLoad},
	{"[11.3] a channel that the server chose comes with connect, and after a move with what was missed", serverSideRecovers},
	{"[10.2] a channel that the server adds and takes away later is told as both", serverSideLater},
	{"[7.9] begins where the app's own state ends", beginsAtState},
	{"[7.9] asks for the state anew where its position is unrecoverable: 112", asksForStateAnew},
}

// Away from every gateway while `meanwhile` happens, then on the other one.
func (w *world) move(meanwhile func()) {
	w.ask("leave", nil)
	meanwhile()
	w.ask("arrive", nil)
}

func publishAll(w *world, c *client, channel string, from, to int) {
	for n := from; n < to; n++ {
		_, err := c.sdk.Publish(soon(), channel, numbered(n))
		must(err)
	}
}

func recovers(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel := w.channel("room")
	reader.subscribe(channel, plain{})
	publishAll(w, writer, channel, 0, 3)
	reader.wait("publication", channel, 3)
	for from := 3; from < 12; from += 3 {
		w.move(func() { publishAll(w, writer, channel, from, from+3) })
		reader.wait("publication", channel, from+3)
	}
	publishAll(w, writer, channel, 12, 14)
	same("publications", joined(reader.texts("publication", channel, 14)), joined(numbers(0, 14)))
	for _, one := range reader.wait("subscribed", channel, 4)[1:] {
		event := one.event.(subscribed)
		holds("recovered", event.WasRecovering && event.Recovered)
	}
}

func recoversNothing(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel := w.channel("capped")
	reader.subscribe(channel, plain{})
	publishAll(w, writer, channel, 0, 2)
	reader.wait("publication", channel, 2)
	w.move(func() { publishAll(w, writer, channel, 2, 12) })
	again := reader.wait("subscribed", channel, 2)[1].event.(subscribed)
	holds("recovering without success", again.WasRecovering && !again.Recovered)
	publishAll(w, writer, channel, 12, 13)
	same("publications", reader.texts("publication", channel, 3), []string{`{"n":0}`, `{"n":1}`, `{"n":12}`})
}

func movesUnderLoad(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel := w.channel("room")
	reader.subscribe(channel, plain{})
	const count = 300
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		publishAll(w, writer, channel, 0, count)
	}()
	for moves := 1; moves <= 4; moves++ {
		reader.wait("publication", channel, moves*count/6)
		w.move(func() {})
		reader.wait("subscribed", channel, moves+1)
	}
	if thrown := <-done; thrown != nil {
		panic(thrown)
	}
	same("publications", joined(reader.texts("publication", channel, count)), joined(numbers(0, count)))
}

func serverSideRecovers(w *world) {
	user := w.name("ana")
	reader, channel := w.connect(moving, user), "room:#"+user
	first := reader.first("server subscribed", channel).event.(serverSide)
	holds("recoverable, and not recovering", first.Recoverable && !first.WasRecovering)
	w.serverPublishes(channel, `{"n":0}`, "")
	reader.first("server publication", channel)
	w.move(func() {
		w.serverPublishes(channel, `{"n":1}`, "")
		w.serverPublishes(channel, `{"n":2}`, "")
	})
	same("publications", joined(reader.texts("server publication", channel, 3)), joined(numbers(0, 3)))
	again := reader.wait("server subscribed", channel, 2)[1].event.(serverSide)
	holds("recovered", again.WasRecovering && again.Recovered)
}

func serverSideLater(w *world) {
	user := w.name("ana")
	reader, channel := w.connect(gateways[0], user), w.channel("room")
	w.ask("subscribe", map[string]string{"user": user, "channel": channel})
	holds("recoverable", reader.first("server subscribed", channel).event.(serverSide).Recoverable)
	w.serverPublishes(channel, `{"n":0}`, "")
	same("publications", reader.texts("server publication", channel, 1), []string{`{"n":0}`})
	w.ask("unsubscribe", map[string]string{"user": user, "channel": channel, "code": "2000", "reason": "enough"})
	reader.first("server unsubscribed", channel)
}

func beginsAtState(w *world) {
	reader, channel := w.connect(gateways[0], ""), w.channel("room")
	publishAll(w, reader, channel, 0, 2)
	reader.subscribe(channel, plain{GetState: func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
		place, err := reader.sdk.History(soon(), channel)
		must(err)
		publishAll(w, reader, channel, 2, 4) // after the state was read, before it is subscribed
		return centrifuge.StreamPosition{Epoch: place.Epoch, Offset: place.Offset}, nil
	}})
	publishAll(w, reader, channel, 4, 5)
	same("publications", joined(reader.texts("publication", channel, 3)), joined(numbers(2, 5)))
}

func asksForStateAnew(w *world) {
	reader, writer := w.connect(moving, ""), w.connect(gateways[1], "")
	channel, asked := w.channel("capped"), 0
	reader.subscribe(channel, plain{GetState: func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
		asked++
		place, err := writer.sdk.History(soon(), channel)
		must(err)
		return centrifuge.StreamPosition{Epoch: place.Epoch, Offset: place.Offset}, nil
	}})
	publishAll(w, writer, channel, 0, 1)
	reader.wait("publication", channel, 1)
	w.move(func() { publishAll(w, writer, channel, 1, 12) })
	reader.wait("subscribed", channel, 2)
	same("how often it asked", asked, 2)
	publishAll(w, writer, channel, 12, 13)
	same("publications", reader.texts("publication", channel, 2), []string{`{"n":0}`, `{"n":12}`})
}
