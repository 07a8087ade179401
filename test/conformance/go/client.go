package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

// What an SDK told, in its order.
type told struct {
	kind    string
	channel string
	text    string
	event   any
}

type client struct {
	sdk     *centrifuge.Client
	mu      sync.Mutex
	journal []told
	changed chan struct{}
}

// A client that is not connected yet, with everything that it tells written down.
func (w *world) client(address string, config centrifuge.Config) *client {
	c := &client{changed: make(chan struct{})}
	config.LogLevel = centrifuge.LogLevelTrace // the SDK tells nowhere else what was a patch
	config.LogHandler = func(e centrifuge.LogEntry) {
		if push := e.Fields["push"]; strings.Contains(push, `"delta":true`) {
			c.tell("trace", "", push, e)
		}
	}
	c.sdk = open(address, config)
	w.clients = append(w.clients, c)
	c.sdk.OnConnecting(func(e centrifuge.ConnectingEvent) { c.tell("connecting", "", fmt.Sprint(e.Code), e) })
	c.sdk.OnConnected(func(e centrifuge.ConnectedEvent) { c.tell("connected", "", e.ClientID, e) })
	c.sdk.OnDisconnected(func(e centrifuge.DisconnectedEvent) { c.tell("disconnected", "", fmt.Sprint(e.Code), e) })
	c.sdk.OnError(func(e centrifuge.ErrorEvent) { c.tell("error", "", e.Error.Error(), e) })
	c.sdk.OnSubscribed(func(e centrifuge.ServerSubscribedEvent) { c.tell("server subscribed", e.Channel, "", e) })
	c.sdk.OnUnsubscribed(func(e centrifuge.ServerUnsubscribedEvent) { c.tell("server unsubscribed", e.Channel, "", e) })
	c.sdk.OnPublication(func(e centrifuge.ServerPublicationEvent) {
		c.tell("server publication", e.Channel, string(e.Data), e)
	})
	return c
}

// A connected client of a user, or of nobody.
func (w *world) connect(address, user string) *client {
	config := centrifuge.Config{}
	if user != "" {
		config.Token = w.token(user, nil)
	}
	return w.client(address, config).connected()
}

func (c *client) connected() *client {
	must(c.sdk.Connect())
	c.first("connected", "")
	return c
}

func (c *client) subscribe(channel string, config centrifuge.SubscriptionConfig) *centrifuge.Subscription {
	subscription := c.subscription(channel, config)
	must(subscription.Subscribe())
	c.first("subscribed", channel)
	return subscription
}

func (c *client) subscription(channel string, config centrifuge.SubscriptionConfig) *centrifuge.Subscription {
	config.MinResubscribeDelay = 20 * time.Millisecond
	config.MaxResubscribeDelay = 200 * time.Millisecond
	one, err := c.sdk.NewSubscription(channel, config)
	must(err)
	one.OnSubscribing(func(e centrifuge.SubscribingEvent) { c.tell("subscribing", channel, fmt.Sprint(e.Code), e) })
	one.OnSubscribed(func(e centrifuge.SubscribedEvent) { c.tell("subscribed", channel, "", e) })
	one.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) { c.tell("unsubscribed", channel, fmt.Sprint(e.Code), e) })
	one.OnError(func(e centrifuge.SubscriptionErrorEvent) { c.tell("error", channel, e.Error.Error(), e) })
	one.OnPublication(func(e centrifuge.PublicationEvent) { c.tell("publication", channel, string(e.Data), e) })
	one.OnJoin(func(e centrifuge.JoinEvent) { c.tell("join", channel, e.Client, e) })
	one.OnLeave(func(e centrifuge.LeaveEvent) { c.tell("leave", channel, e.Client, e) })
	return one
}

func (c *client) tell(kind, channel, text string, event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal = append(c.journal, told{kind, channel, text, event})
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *client) look(kind, channel string) (found []told, changed chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.journal {
		if one.kind == kind && one.channel == channel {
			found = append(found, one)
		}
	}
	return found, c.changed
}

// The first `count` of a kind, waited for.
func (c *client) wait(kind, channel string, count int) []told {
	deadline := time.After(patience)
	for {
		found, changed := c.look(kind, channel)
		if len(found) >= count {
			return found
		}
		select {
		case <-changed:
		case <-deadline:
			fail("waited for %d × %s %s in vain; told: %s", count, kind, channel, c)
		}
	}
}

func (c *client) first(kind, channel string) told { return c.wait(kind, channel, 1)[0] }

func (c *client) texts(kind, channel string, count int) (all []string) {
	for _, one := range c.wait(kind, channel, count) {
		all = append(all, one.text)
	}
	return all
}

func (c *client) String() (all string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.journal {
		all += fmt.Sprintf("%s %s %s; ", one.kind, one.channel, one.text)
	}
	return all
}
