package main

import (
	"time"

	"github.com/centrifugal/centrifuge-go"
)

type (
	plain        = centrifuge.SubscriptionConfig
	subscribed   = centrifuge.SubscribedEvent
	published    = centrifuge.PublicationEvent
	serverSide   = centrifuge.ServerSubscribedEvent
	disconnected = centrifuge.DisconnectedEvent
)

var laws = append(append([]law{
	{"[4.6] connects, as nobody and as who its token says", connects},
	{"[4.1] a token that nobody signed is the end, with 3500", refusesForgedTokens},
	{"[4.1] an expired token is 109, after which it asks for another and connects", asksForAnotherToken},
	{"[9.13] refreshes a token that runs out, and stays connected", refreshes},
	{"[6.2] a code that is terminal keeps it away", staysAway},
	{"[6.2] a code that is not brings it back", comesBack},
	{"[7.3] subscribes, and learns where the channel stands", subscribes},
	{"[7.2] subscribing where nobody may is 103, and in no namespace 102", isRefused},
	{"[9.2] hears its own publication, with who sent it", echoes},
	{"[7.4] a hundred publications come in their order, each once", keepsOrder},
	{"[3.1] [2.13] a hundred commands at once are each answered, and what they publish comes once, offsets rising", bursts},
	{"[9.12] a message that no app takes ends it with 3508", sendsToNobody},
	{"[9.1] [9.15] reads history from either end, from a position, and the position alone", readsHistory},
	{"[9.10] history since a position of another epoch is 112", readsNoOtherEpoch},
	{"[9.8] [9.9] sees who is there, and how many", seesPresence},
	{"[10.1] hears who joins and who leaves, itself too", hearsJoins},
	{"[9.11] rpc without any app is 108", callsNobody},
	{"[6.4] what the namespace doesn't have is 108, what it forbids 103", isForbidden},
	{"[3.9] unsubscribing ends it: nothing of the channel comes after", unsubscribes},
	{"[6.5] unsubscribed by the server with 2000 it stays so, with 2500 it subscribes again", isUnsubscribed},
}, recoveryLaws...), featureLaws...)

func connects(w *world) {
	nobody := w.connect(gateways[0], "").first("connected", "").event.(centrifuge.ConnectedEvent)
	holds("a client id and a version", nobody.ClientID != "" && nobody.Version != "")
	user := w.name("ana")
	known := w.connect(gateways[1], user)
	known.subscribe(w.channel("room"), plain{})
	present, err := known.sdk.Presence(soon(), w.channel("room"))
	must(err)
	same("the user", present.Clients[known.first("connected", "").text].User, user)
}

func refusesForgedTokens(w *world) {
	forged := w.client(gateways[0], centrifuge.Config{Token: w.token("ana", nil) + "x"})
	must(forged.sdk.Connect())
	same("the code", forged.first("disconnected", "").event.(disconnected).Code, uint32(3500))
}

func asksForAnotherToken(w *world) {
	asked := 0
	late := w.client(gateways[0], centrifuge.Config{
		Token: w.token("ana", map[string]string{"ttl": "-60"}),
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			asked++
			return w.token("ana", nil), nil
		},
	})
	late.connected()
	same("how often it asked", asked, 1)
	same("the error", late.first("error", "").text, "connect error: 109: token expired")
}

func refreshes(w *world) {
	refreshed := make(chan struct{}, 8)
	brief := w.client(gateways[0], centrifuge.Config{
		Token: w.token("ana", map[string]string{"ttl": "2"}),
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			refreshed <- struct{}{}
			return w.token("ana", map[string]string{"ttl": "2"}), nil
		},
	}).connected()
	// The second is asked for only where the first was taken.
	for n := 0; n < 2; n++ {
		select {
		case <-refreshed:
		case <-time.After(patience):
			fail("it never asked for a token; told: %s", brief)
		}
	}
	same("connections", len(brief.wait("connected", "", 1)), 1)
	_, err := brief.sdk.History(soon(), w.channel("room"))
	must(err)
}

func staysAway(w *world) {
	user := w.name("ana")
	ended := w.connect(gateways[0], user)
	w.ask("disconnect", map[string]string{"user": user, "code": "4501", "reason": "no more"})
	same("why", ended.first("disconnected", "").event, disconnected{Code: 4501, Reason: "no more"})
	same("its state", ended.sdk.State(), centrifuge.StateDisconnected)
}

func comesBack(w *world) {
	user := w.name("ana")
	sent := w.connect(gateways[0], user)
	w.ask("disconnect", map[string]string{"user": user, "code": "3011", "reason": "force reconnect"})
	sent.wait("connected", "", 2)
	same("why", sent.texts("connecting", "", 2)[1], "3011")
}

func subscribes(w *world) {
	reader := w.connect(gateways[0], "")
	reader.subscribe(w.channel("room"), plain{})
	kept := reader.first("subscribed", w.channel("room")).event.(subscribed)
	holds("recoverable and positioned", kept.Recoverable && kept.Positioned)
	holds("an epoch", kept.StreamPosition.Epoch != "")
	holds("neither recovering nor recovered", !kept.WasRecovering && !kept.Recovered)
	reader.subscribe(w.channel("live"), plain{})
	fleeting := reader.first("subscribed", w.channel("live")).event.(subscribed)
	holds("neither recoverable nor positioned", !fleeting.Recoverable && !fleeting.Positioned)
}

func isRefused(w *world) {
	reader := w.connect(gateways[0], "")
	for channel, code := range map[string]string{w.channel("closed"): "103", w.channel("nowhere"): "102"} {
		must(reader.subscription(channel, plain{}).Subscribe())
		same(channel, reader.first("unsubscribed", channel).text, code)
	}
}

func echoes(w *world) {
	user := w.name("ana")
	writer := w.connect(gateways[0], user)
	room := writer.subscribe(w.channel("room"), plain{})
	_, err := room.Publish(soon(), numbered(1))
	must(err)
	heard := writer.first("publication", w.channel("room")).event.(published)
	same("the data", string(heard.Data), string(numbered(1)))
	holds("an offset", heard.Offset > 0)
	same("who sent it", heard.Info.User+" "+heard.Info.Client, user+" "+writer.first("connected", "").text)
	same("its connection's info", string(heard.Info.ConnInfo), `{"of":"`+user+`"}`)
}

func keepsOrder(w *world) {
	reader, writer := w.connect(gateways[0], ""), w.connect(gateways[1], "")
	for _, namespace := range []string{"room", "live"} {
		channel := w.channel(namespace)
		reader.subscribe(channel, plain{})
		for n := 0; n < 100; n++ {
			_, err := writer.sdk.Publish(soon(), channel, numbered(n))
			must(err)
		}
		same(namespace, joined(reader.texts("publication", channel, 100)), joined(numbers(0, 100)))
	}
}

func bursts(w *world) {
	reader, writer, channel := w.connect(gateways[0], ""), w.connect(gateways[1], ""), w.channel("room")
	reader.subscribe(channel, plain{})
	answers := make(chan error, 100)
	for n := 0; n < 100; n++ {
		go func() {
			_, err := writer.sdk.Publish(soon(), channel, numbered(n))
			answers <- err
		}()
	}
	for n := 0; n < 100; n++ {
		must(<-answers)
	}
	offset, seen := uint64(0), map[string]bool{}
	for _, one := range reader.wait("publication", channel, 100) {
		next := one.event.(published).Offset
		holds("a rising offset", next > offset)
		offset, seen[one.text] = next, true
	}
	same("different publications", len(seen), 100)
}

func sendsToNobody(w *world) {
	sender := w.connect(gateways[0], "")
	must(sender.sdk.Send(soon(), []byte(`{}`)))
	same("the code", sender.first("disconnected", "").text, "3508")
}

func data(publications []centrifuge.Publication) (all []string) {
	for _, one := range publications {
		all = append(all, string(one.Data))
	}
	return all
}

func readsHistory(w *world) {
	writer := w.connect(gateways[0], "")
	room := writer.subscribe(w.channel("room"), plain{})
	for n := 0; n < 5; n++ {
		_, err := room.Publish(soon(), numbered(n))
		must(err)
	}
	read := func(options ...centrifuge.HistoryOption) centrifuge.HistoryResult {
		result, err := room.History(soon(), options...)
		must(err)
		return result
	}
	place := read()
	same("no publications without a limit", len(place.Publications), 0)
	holds("an epoch and an offset", place.Epoch != "" && place.Offset > 0)
	oldest := read(centrifuge.WithHistoryLimit(2))
	same("the oldest", joined(data(oldest.Publications)), joined(numbers(0, 2)))
	since := &centrifuge.StreamPosition{Epoch: oldest.Epoch, Offset: oldest.Publications[1].Offset}
	rest := read(centrifuge.WithHistoryLimit(-1), centrifuge.WithHistorySince(since))
	same("the rest", joined(data(rest.Publications)), joined(numbers(2, 5)))
	newest := read(centrifuge.WithHistoryLimit(2), centrifuge.WithHistoryReverse(true))
	same("the newest", joined(data(newest.Publications)), `{"n":4} {"n":3}`)
	same("where it ends", newest.Publications[0].Offset, place.Offset)
}

func readsNoOtherEpoch(w *world) {
	since := centrifuge.WithHistorySince(&centrifuge.StreamPosition{Epoch: "other", Offset: 1})
	_, err := w.connect(gateways[0], "").sdk.History(soon(), w.channel("room"), centrifuge.WithHistoryLimit(1), since)
	same("the code", codeOf(err), uint32(112))
}

func seesPresence(w *world) {
	here, there := w.connect(gateways[0], w.name("ana")), w.connect(gateways[1], w.name("ben"))
	room := here.subscribe(w.channel("room"), plain{})
	there.subscribe(w.channel("room"), plain{})
	eventually("both", func() bool {
		present, err := room.Presence(soon())
		must(err)
		counted, err := room.PresenceStats(soon())
		must(err)
		return present.Clients[there.first("connected", "").text].User == w.name("ben") &&
			len(present.Clients) == 2 && counted.NumClients == 2 && counted.NumUsers == 2
	})
}

func hearsJoins(w *world) {
	here, there := w.connect(gateways[0], ""), w.connect(gateways[1], "")
	channel := w.channel("room")
	here.subscribe(channel, plain{JoinLeave: true})
	here.first("join", channel) // its own: those of two gateways have no order
	joining := there.subscribe(channel, plain{})
	me, other := here.first("connected", "").text, there.first("connected", "").text
	same("joins", here.texts("join", channel, 2), []string{me, other})
	must(joining.Unsubscribe())
	same("leaves", here.texts("leave", channel, 1), []string{other})
}

func callsNobody(w *world) {
	_, err := w.connect(gateways[0], "").sdk.RPC(soon(), "anything", []byte(`{}`))
	same("the code", codeOf(err), uint32(108))
}

func isForbidden(w *world) {
	nobody := w.connect(gateways[0], "")
	_, err := nobody.sdk.Publish(soon(), w.channel("closed"), numbered(1))
	same("publish", codeOf(err), uint32(103))
	_, err = nobody.sdk.History(soon(), w.channel("live"))
	same("history", codeOf(err), uint32(108))
	_, err = nobody.sdk.Presence(soon(), w.channel("closed"))
	same("presence", codeOf(err), uint32(108))
	_, err = nobody.sdk.Publish(soon(), w.channel("nowhere"), numbered(1))
	same("an unknown namespace", codeOf(err), uint32(102))
}

func unsubscribes(w *world) {
	reader := w.connect(gateways[0], "")
	room := reader.subscribe(w.channel("room"), plain{})
	fence := reader.subscribe(w.channel("live"), plain{})
	must(room.Unsubscribe())
	same("why", reader.first("unsubscribed", w.channel("room")).text, "0")
	w.serverPublishes(w.channel("room"), `{"n":1}`, "")
	_, err := fence.Publish(soon(), numbered(2))
	must(err)
	reader.first("publication", w.channel("live"))
	same("publications", len(reader.wait("publication", w.channel("room"), 0)), 0)
	must(room.Subscribe())
	again := reader.wait("subscribed", w.channel("room"), 2)[1].event.(subscribed)
	holds("recovered by position", again.WasRecovering && again.Recovered)
	same("what it missed", reader.texts("publication", w.channel("room"), 1), []string{`{"n":1}`})
}

func isUnsubscribed(w *world) {
	user := w.name("ana")
	reader := w.connect(gateways[0], user)
	channel := w.channel("room")
	reader.subscribe(channel, plain{})
	unsubscribe := map[string]string{"user": user, "channel": channel, "code": "2500", "reason": "insufficient state"}
	w.ask("unsubscribe", unsubscribe)
	reader.wait("subscribed", channel, 2)
	same("why again", reader.texts("subscribing", channel, 2)[1], "2500")
	unsubscribe["code"] = "2000"
	w.ask("unsubscribe", unsubscribe)
	same("why no more", reader.first("unsubscribed", channel).text, "2000")
}

// Nothing tells when presence of another gateway has arrived: asked until it is so.
func eventually(what string, is func() bool) {
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			fail("%s: not so within %v", what, patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

const pingLaw = "[5.2] answers the server's pings and stays connected"

// The mesh of the test pings every three seconds, and ends who hasn't answered when the next is due.
const pingsTake = 7 * time.Second

// Begun first and judged last, so that pings come while other laws are looked at.
func staysForPings(w *world) func(*world) {
	pinged := w.client(gateways[0], centrifuge.Config{})
	startedAt := time.Now()
	must(pinged.sdk.Connect())
	return func(*world) {
		if rest := pingsTake - time.Since(startedAt); rest > 0 {
			time.Sleep(rest)
		}
		same("connections", len(pinged.wait("connected", "", 1)), 1)
		same("attempts", len(pinged.wait("connecting", "", 1)), 1)
	}
}
