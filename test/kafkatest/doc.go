// Package kafkatest answers "does it hold against real Kafka?": it starts Apache Kafka 4.1.0, or
// another version, on loopback for a test, each broker a JVM of its own, and takes it away again
// whatever becomes of the test.
//
//	func TestProducer_SurvivesItsBroker(t *testing.T) {
//		c := kafkatest.Start(t, kafkatest.Brokers(3))
//		c.CreateTopic(t, "events", 6)
//		c.Leader(t, "events", 0).Kill(t)
//		...
//		got := c.Read(t, "events")
//	}
//
// # Versions
//
// [Version] starts another Kafka: before 3.3 with ZooKeeper, one more process with 64 MiB of heap.
// Their jars have caches of their own.
//
// # Cost
//
// A broker is up in two seconds on two cores and holds about 150 MiB. Tests that leave the brokers
// alone take [Shared], one single broker for the whole test process, with a topic name of their own
// ([TopicName]).
//
// # What it needs
//
// A JDK of version 17 or later, found through JAVA_HOME or PATH, and Maven for the first run, which
// copies Kafka's jars from Maven Central to a cache (see [CacheVariable]) and takes half a minute.
// Without them a test fails and says what to install; with [SkipVariable] set to 1 it is skipped
// instead, which the log of the test shows.
//
// # Faults
//
// [Broker.Kill], [Broker.Stop], [Broker.Pause] and their opposites act on the process and return
// when the deed is done, so a test needs no sleep after them. A broker keeps its ports and its data
// over all of them. What the rest of the cluster makes of it takes its own time: a broker that is
// killed or paused is fenced after 1.5 s.
//
// With [Named] brokers are found by name, and can be given another address or name while they are
// down. [Cluster.AddBroker] adds one that holds nothing yet.
//
// # Schema registry
//
// [SharedRegistry] starts a real schema registry for all tests of the process, without a Kafka.
//
// # Nothing is left behind
//
// The brokers of [Start] end with the test, the one of [Shared] with [Run]. When the test process
// itself dies, by a panic or by SIGKILL, the kernel kills every JVM it started, paused ones too (on
// Linux; elsewhere they stay). In that case only their data folders remain, below [os.TempDir].
//
// # Concurrency
//
// The methods of Broker may be called from any goroutine. All else may end the test with FailNow,
// so it belongs to the goroutine of the test.
package kafkatest
