// The modes of tg_bench. Each reads its own flags, runs once, prints one JSON line.
//
// Thread: one. Fails: what cannot be measured ends the program with a text and code 1 or 2.
#pragma once

namespace tidegate::bench {

// POST requests over N connections, closed loop or at a rate.
int RunPost(int count, char** values);
// N subscribers by SSE or WebSocket: deliveries and their latency.
int RunSubs(int count, char** values);
// N subscribers that are only there: memory and CPU of each.
int RunIdle(int count, char** values);
// Messages with a timestamp, at a rate, to an HTTP publisher or to Kafka.
int RunPublish(int count, char** values);
// From a Kafka topic to an HTTP publisher, until SIGTERM.
int RunBridge(int count, char** values);

}  // namespace tidegate::bench
