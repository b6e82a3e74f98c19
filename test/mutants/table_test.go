package mutants

// mutant is one way to break the library.
type mutant struct {
	name     string
	broken   string // what it does, in words
	file     string // from the root of the repository
	old, new string // old is in file exactly once
	by       check  // what must notice it
	says     string // and what that must say: a pattern that its output matches
	hangs    bool   // with the mutant the check does not end
}

// check is a test, or a group of them, of one package.
type check struct {
	pkg  string // from the root of the repository
	test string // by name; a subtest as go test -run takes it
}

// root is the root of the repository.
const root = "../.."

// The checks that more than one mutant is caught by.
var (
	cutAfterWrite = check{"test/producer",
		"TestVirtual_F8_AConnectionCutAfterTheWriteLeavesNoDuplicate"}
	errorCodes = check{"test/producer", "TestVirtual_F9_ErrorsOfKafkaEndInOneOutcomeEach"}
	renewals   = check{"test/producer",
		"TestVirtual_F9_ARenewalTakesTheNextEpochOfTheSameProducerID"}
)

// auditIsTrue compares what an audit finds with what is true.
var auditIsTrue = check{"audit", "TestLedger_FindsWhatIsTrue"}

// patchedRecords reads what was on hold for an hour.
var patchedRecords = check{"test/producer",
	"TestVirtual_RecordsOnHoldAreDeliveredWithTheirPatchAfterAnHour"}

// table holds the mutants, by what they break.
var table = []mutant{
	// Retries.
	{
		name:   "a retry takes the next numbers",
		broken: "a batch that was not answered is sent again with the numbers that follow its own",
		file:   "internal/dispatch/retry.go",
		old:    "it.batch.History.Unresolved, it.batch.History.MaybeWritten = true, true",
		new: "it.batch.History.Unresolved, it.batch.History.MaybeWritten = true, " +
			"true\n\tit.stream.numbers.advance(it.attempt.Records)",
		by:   cutAfterWrite,
		says: "was not reported as maybe duplicated|and is not there|Should be zero",
	},
	{
		name: "a retry takes a new epoch",
		broken: "a batch that was not answered is sent again in the next epoch, in which no " +
			"broker finds a duplicate",
		file: "internal/dispatch/numbering.go",
		old:  "if n.fits(b) && nu.current(ts, n, b) {",
		new:  "if n.fits(b) && st.pinned == nil && nu.current(ts, n, b) {",
		by:   cutAfterWrite,
		says: "Should be zero",
	},
	{
		name:   "a batch is forgotten on a timeout",
		broken: "a batch that was not answered is neither sent again nor resolved",
		file:   "internal/dispatch/retry.go",
		old:    "func (it *item) pin() {",
		new: "func (it *item) pin() {\n\tif it.attempt.Fate == cluster.Unresolved " +
			"{\n\t\treturn\n\t}",
		by:   cutAfterWrite,
		says: "context deadline exceeded",
	},
	{
		name:   "a batch is delivered on a timeout",
		broken: "a batch that was not answered counts as delivered",
		file:   "internal/dispatch/retry.go",
		old:    "func (it *item) pin() {",
		new: "func (it *item) pin() {\n\tif it.attempt.Fate == cluster.Unresolved {\n" +
			"\t\tit.ship.core.resolve(it.ts, it.batch, Verdict{Outcome: 1, " + // delivered
			"Partition: it.stream.id, Offset: -1})\n\t\treturn\n\t}",
		// its request never reached the broker
		by: check{"test/producer",
			`TestVirtual_Explore/brokers_as_they_should_be/key_"k":_unseen`},
		says: "is in no log",
	},
	{
		name:   "an unanswered batch is overtaken",
		broken: "a newer batch of the partition goes before one that was written and not answered",
		file:   "internal/dispatch/fill.go",
		old:    "n, is := se.nextOf(s, ts, st)",
		new: "if w := se.choose(ts, st, ts.goesAlong(s.broker, se.pass), s.takesOpen()); " +
			"w != nil && st.pinned != nil {\n" +
			"\t\tovertaken := st.pinned\n\t\tst.pinned = nil\n" +
			"\t\tdefer func() { st.pinned = overtaken }()\n\t}\n" +
			"\tn, is := se.nextOf(s, ts, st)",
		by:   check{"test/producer", "TestVirtual_F8_AnUnansweredBatchGoesBeforeNewerOnes"},
		says: "was not reported as maybe duplicated|and is not there|Should be zero",
	},
	{
		name:   "a batch is compressed anew",
		broken: "a batch that is sent again is compressed again",
		file:   "buffer/compress.go",
		old:    "if b.stage.Load() == final {",
		new:    "if b.stage.Load() == final && b.Records() == 0 {",
		by: check{"test/producer",
			"TestVirtual_F9_ACompressedBatchThatIsSentAgainReadsBackAsSent"},
		says: `should have 1 item\(s\)|not all of the log can be read`,
	},
	{
		name: "an unanswered batch is split uncounted",
		broken: "a batch of which an attempt is unresolved is halved and sent with new numbers, " +
			"and not counted as maybe duplicated",
		file: "internal/dispatch/retry.go",
		old:  "func (c *core) recount(it *item) {",
		new:  "func (c *core) recount(it *item) {\n\tif it != nil {\n\t\treturn\n\t}",
		by:   check{"test/producer", "TestVirtual_F8_AnUnansweredBatchThatIsHalvedIsCounted"},
		says: "was not reported as maybe duplicated",
	},
	{
		name: "a move is not counted",
		broken: "a batch that was written and not answered is written elsewhere, and not " +
			"counted as maybe duplicated",
		file: "internal/dispatch/core.go",
		old:  "ts.t.CountDuplicates(b)",
		new:  "",
		by: check{"test/producer",
			"TestVirtual_F8_WhatMovesUnansweredIsCountedAsMaybeDuplicated"},
		says: "was not reported as maybe duplicated",
	},

	// Numbers.
	{
		name: "a renewal takes a new producer ID",
		broken: "a partition that begins a new numbering takes a new producer ID, which fences " +
			"nothing",
		file: "internal/cluster/identity.go",
		old:  "epochs[partition] = i.epoch",
		new:  "if epochs[partition] = i.epoch; i.epoch > 0 {\n\t\ti.id++\n\t}",
		by:   renewals,
		says: "Not equal",
	},
	{
		name: "a renewal keeps the epoch",
		broken: "a partition that begins a new numbering stays in its epoch, so that an old " +
			"attempt is not refused",
		file: "internal/cluster/identity.go",
		old:  "i.epoch = max(i.epoch, epochs[partition]+1)",
		new:  "i.epoch = max(i.epoch, epochs[partition])",
		by:   renewals,
		says: `should have 6 item\(s\)`,
	},
	{
		name: "numbers of a rejected batch are used again",
		broken: "a batch that was written, not answered and then rejected leaves its numbers to " +
			"the next",
		file: "internal/dispatch/answer.go",
		old:  "it.stream.numbers.wrote(b, a.Fate == cluster.Answered)",
		new: "it.stream.numbers.wrote(b, a.Fate == cluster.Answered)\n\t\tif a.Fate == " +
			"cluster.Answered {\n\t\t\tit.stream.numbers.owner = nil\n\t\t}",
		by: check{"test/producer",
			"TestVirtual_F8_ABatchAfterOneThatWasRejectedUnansweredIsWritten"},
		says: "is not there",
	},
	{
		name: "numbers of an expired batch are used again",
		broken: "a batch that was written and not answered in its time leaves its numbers to " +
			"the next",
		file: "internal/dispatch/numbering.go",
		old:  "(n.owner == nil || n.owner == b)",
		new:  "(n.owner == nil || n.owner == b || n.unsure)",
		by:   check{"test/producer", "TestVirtual_F8_ABatchAfterOneThatExpiredUnansweredIsWritten"},
		says: "is not there",
	},
	{
		name: "numbers of a refused batch are used again",
		broken: "a batch that was written and refused leaves its numbers to the next, whether " +
			"it was appended or not",
		file: "internal/dispatch/numbering.go",
		old:  "(n.owner == nil || n.owner == b)",
		new:  "(n.owner == nil || n.owner == b || !n.unsure)",
		by:   check{"test/producer", "TestVirtual_F8_ACodeThatLiesCostsADuplicateAtMost"},
		says: "is not in the log",
	},
	{
		name:   "numbers of an idle topic are used again",
		broken: "a topic that was idle until its table was freed begins in the epoch that it had",
		file:   "internal/cluster/identity.go",
		old:    "i.epoch = max(i.epoch, epoch+1)",
		new:    "i.epoch = max(i.epoch, epoch)",
		by:     check{"test/producer", "TestVirtual_F14_ATopicThatWasIdleIsWrittenAgain"},
		says:   "is not there",
	},
	{
		name:   "a refused renewal is followed by another for ever",
		broken: "a broker that takes no epoch of ours is never asked for another producer ID",
		file:   "internal/dispatch/numbering.go",
		old:    "case n.refusals < refusalsForID || bits.OnesCount(uint(n.refusals)) != 1:",
		new: "case n.refusals > 0 || refusalsForID != 0 && bits.OnesCount(uint(n.refusals)) " +
			"!= 1:",
		by:   check{"test/producer", "TestVirtual_F9_ARenewalThatIsRefusedEndsInAnotherProducerID"},
		says: "Not equal",
	},
	{
		name:   "order at risk is not counted",
		broken: "a keyed batch that may arrive after newer ones is not counted",
		file:   "internal/dispatch/numbering.go",
		old:    "if !n.unsure {",
		new:    "if !n.unsure || n.owner != nil {",
		by: check{"test/producer",
			"TestVirtual_F8_OrderAtRiskIsCountedWhereNothingFencesWhatIsLate"},
		says: "Not equal",
	},
	{
		name:   "a sequence becomes negative",
		broken: "the number after 2^31-1 is not 0",
		file:   "internal/cluster/sequence.go",
		old:    "& math.MaxInt32)",
		new:    "& math.MaxUint32)",
		by:     check{"internal/cluster", "TestSequence_WrapsFromTheHighestToZero"},
		says:   "Not equal",
	},
	{
		name:   "two batches of a partition at once",
		broken: "a second batch of a partition is sent while one is in flight",
		file:   "internal/dispatch/stream.go",
		old:    "if st.flying != nil || st.leader == nil {",
		new:    "if st.leader == nil {",
		by:     cutAfterWrite,
		says: "context deadline exceeded|and is not there|was not reported as maybe " +
			"duplicated|Should be zero",
	},

	// Answers.
	{
		name:   "appended counts as not appended",
		broken: "REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND let a batch go elsewhere",
		file:   "internal/cluster/codes.go",
		old:    "func (a *Answer) Action(unresolved bool) Action {",
		new: "func (a *Answer) Action(unresolved bool) Action {\n\tif ActionOf(a.Code) == " +
			"Confirm {\n\t\treturn Elsewhere\n\t}",
		by: check{"test/producer",
			"TestVirtual_F8_WhatWasAppendedAndNotConfirmedStaysInItsPlace"},
		says: "was not reported as maybe duplicated",
	},
	{
		name:   "the offset of an error is not read",
		broken: "NOT_LEADER_OR_FOLLOWER with an offset counts as not appended",
		file:   "internal/cluster/codes.go",
		old:    "case a.Offset >= 0 && (",
		new:    "case a.Offset >= 1<<62 && (",
		by:     check{"internal/cluster", "TestAction_AnErrorWithAnOffsetIsOfABatchInTheLog"},
		says:   "NOT_LEADER",
	},
	{
		name:   "an unknown code counts as delivered",
		broken: "a batch that was answered with an error of tomorrow counts as delivered",
		file:   "internal/cluster/codes.go",
		old:    "action := ActionOf(a.Code)",
		new:    "action := ActionOf(a.Code)\n\tif action == Retry {\n\t\taction = Done\n\t}",
		by: check{"test/producer",
			"TestVirtual_F9_ErrorsOfKafkaEndInOneOutcomeEach/OF_TOMORROW5"},
		says: "and is not there",
	},
	{
		name: "what may be written counts as expired",
		broken: "a batch that was written and not answered in its time expires, as if Kafka " +
			"could not have it",
		file: "internal/dispatch/outcome.go",
		old:  "if v.Outcome != delivery.Delivered && b.History.MaybeWritten {",
		new:  "if v.Outcome == delivery.Rejected && b.History.MaybeWritten {",
		by:   check{"test/producer", "TestVirtual_F8_ABatchAfterOneThatExpiredUnansweredIsWritten"},
		says: "and is in the log",
	},

	{
		name:   "what kgo learns by itself is believed",
		broken: "brokers are asked where kgo has learnt that they are, and not where the view says",
		file:   "internal/cluster/client.go",
		old:    "resp, err := p.broker.Request(ctx, req)",
		new:    "resp, err := cl.kgos[0].Broker(int(id)).Request(ctx, req)",
		by:     check{"internal/cluster", "TestClient_FollowsWhatKgoLearnsByItself"},
		says:   "Received unexpected error|Condition never satisfied",
	},

	// Bytes.
	{
		name: "a revoked batch is read",
		broken: "kgo reads the buffer of a batch that was revoked, which belongs to another by " +
			"then",
		file: "internal/cluster/request.go",
		old:  "a.revoked = true",
		new:  "a.revoked = false",
		by:   check{"test/producer", "TestVirtual_F25_ABatchThatExpiresBeforeItIsWrittenNeverIs"},
		says: "is in the log",
	},
	{
		name: "a batch is released before it is revoked",
		broken: "a batch in flight whose time is up gives its buffer back while kgo may still " +
			"read it",
		file: "internal/dispatch/expire.go",
		old:  "it.attempt.Revoke()",
		new:  "false",
		by:   check{"test/producer", "TestVirtual_F25_ABatchThatExpiresBeforeItIsWrittenNeverIs"},
		says: "is in the log",
	},
	{
		name:   "a request is read after its sender has gone",
		broken: "kgo reads the buffers of a request that was given up",
		file:   "internal/cluster/request.go",
		old:    "r.closed = true",
		new:    "r.closed = false",
		by: check{"internal/cluster",
			"TestRequest_AfterItsSenderHasGoneItIsEmptyAndStillValid"},
		says: "Should be empty",
	},
	{
		name:   "the checksum begins too early",
		broken: "the CRC of a batch covers itself",
		file:   "internal/cluster/frame.go",
		old:    "f.dst[start+21:]",
		new:    "f.dst[start+17:]",
		by:     check{"internal/cluster", "TestRequest_IsWhatKafkasProtocolSaysInEveryVersion"},
		says:   "Not equal",
	},
	{
		name:   "memory is used while it is written",
		broken: "the memory of a batch is used again although a write still reads it",
		file:   "buffer/batch.go",
		old:    "if b.lent.Load() == 0 {",
		new:    "if true {",
		by:     check{"buffer", "TestBatch_ABodyThatIsLentIsNotUsedAgain"},
		says:   "Not equal",
	},
	{
		name:   "the sum of a batch is that of what it was",
		broken: "the sum of a batch is not taken anew when it is compressed",
		file:   "buffer/compress.go",
		old:    "b.sum = sum{}",
		new:    "_ = sum{}",
		by:     check{"buffer", "TestSum_IsThatOfTheBodyHoweverItCameAbout"},
		says:   `slice bounds out of range|Not equal`,
	},
	{
		name:   "high waits behind low",
		broken: "a lane sends on the common connection whoever waits for an answer there",
		file:   "internal/gate/common.go",
		old:    "if !at.blocks(p, now) {",
		new:    "if true {",
		by: check{"test/producer",
			"TestVirtual_Connections_HighDoesNotWaitBehindLow"},
		says: "high waits",
	},
	{
		name:   "a subset is for ever",
		broken: "un-keyed records wait for the brokers that they keep to, however busy those are",
		file:   "internal/dispatch/fill.go",
		old:    "now < max(since, ts.narrowed)+widenAfter:",
		new:    "true:",
		by: check{"test/producer",
			"TestVirtual_Connections_OthersHelpABrokerThatIsBusy"},
		says: "is not less than",
	},
	{
		name:   "memory of what expires is kept",
		broken: "the memory of a batch is given back only if it was delivered",
		file:   "buffer/resolve.go",
		old:    "if !keep {",
		new:    "if !keep && outcome != delivery.Delivered {\n\t} else if !keep {",
		by:     check{"test/producer", "TestVirtual_F5_WhatExpiresGivesItsMemoryBack"},
		says:   "Not equal",
	},
	{
		name:   "memory of reported losses is kept",
		broken: "the memory of a batch that was reported is given back only if it was delivered",
		file:   "producer/report.go",
		old:    "v.Batch.Release()\n\tr.mu.Lock()",
		new:    "if v.Outcome == Delivered {\n\t\tv.Batch.Release()\n\t}\n\tr.mu.Lock()",
		by:     check{"test/producer", "TestVirtual_F5_WhatExpiresGivesItsMemoryBack"},
		says:   "Not equal",
	},

	// Shared memory.
	{
		name: "the newest makes room",
		broken: "the batch that is given up to make room is the one that has waited for the " +
			"shortest time",
		file: "buffer/waitlist.go",
		old:  "b := l.waiting.head",
		new:  "b := l.waiting.tail",
		by:   check{"buffer", "TestLane_TakeOldestTakesOpenBatchesAndSkipsThoseBeingCompressed"},
		says: "Not same|the oldest is being compressed",
	},
	{
		name: "eviction ignores guarantees",
		broken: "a priority that holds no more than its guarantee gives up batches for a higher " +
			"one",
		file: "producer/evict.go",
		old:  "e.p.budget.AboveGuarantee(classOf(priority)) &&\n\t\t\t",
		new:  "",
		by:   check{"test/producer", "TestVirtual_F15_TheLowestPriorityAboveItsGuaranteeMakesRoom"},
		says: "is not greater than",
	},
	{
		name:   "higher priorities take what is guaranteed to lower ones",
		broken: "a priority whose cluster is away fills all of the memory",
		file:   "buffer/budget.go",
		old:    "if above > limit-kept {",
		new:    "if above > limit {",
		by: check{"test/producer",
			"TestVirtual_F15_LowAndMediumGoOnWhileTheClusterOfHighIsAwayAndHasFilledTheMemory"},
		says: "Should be zero",
	},
	{
		name:   "high makes itself no room",
		broken: "a Send of high is refused while low could give up batches",
		file:   "producer/evict.go",
		old:    "look.Borrowed && e.preempt(l.Priority)",
		new:    "look.Borrowed && l.Priority != routing.High && e.preempt(l.Priority)",
		by: check{"producer",
			"TestEvict_ManySendersMakeRoomForNoMoreThanTheyNeed_ConcurrentSafe"},
		says: "buffer full",
	},
	{
		name: "every sender gives up a batch of its own",
		broken: "a Send that waited for another to make room gives up a batch although there is " +
			"room by then",
		file: "producer/evict.go",
		old:  "case look.Err == nil, look.Borrowed",
		new:  "case look.Borrowed",
		by: check{"producer",
			"TestEvict_ManySendersMakeRoomForNoMoreThanTheyNeed_ConcurrentSafe"},
		says: "Not equal|little more than was needed",
	},
	{
		name:   "what made room is reported twice",
		broken: "the records of a batch that was given up to make room are reported twice",
		file:   "producer/report.go",
		old:    "switch {\n\tcase v.Outcome != Delivered && !v.Reason.MadeRoom()",
		new: "if v.Reason.MadeRoom() {\n\t\tr.tellEach(&v)\n\t}\n" +
			"\tswitch {\n\tcase v.Outcome != Delivered && !v.Reason.MadeRoom()",
		by:   check{"test/producer", "TestVirtual_F15_TheLowestPriorityAboveItsGuaranteeMakesRoom"},
		says: "has 2 reports",
	},
	{
		name: "what made room stays until it is reported",
		broken: "a batch that was given up to make room keeps its records until its reports are " +
			"read",
		file: "producer/evict.go",
		old:  "b.Shrink()",
		new:  "",
		by: check{"test/producer",
			"TestVirtual_F15_RecordsThatMadeRoomAreFreedBeforeTheirReportsAreRead"},
		says: "Should be zero",
	},
	{
		name: "what may be in Kafka counts as shed",
		broken: "a batch that was written and never answered, and is given up to make room, " +
			"counts as shed",
		file: "producer/evict.go",
		old:  "if b.History.MaybeWritten {",
		new:  "if b.History.MaybeWritten && keep && !keep {",
		by:   check{"producer", "TestEvict_WhatMayHaveBeenWrittenIsPossiblyPersisted"},
		says: "Not equal",
	},
	{
		name:   "a topic that floods keeps all",
		broken: "a topic that holds more than half gives up nothing for others of its priority",
		file:   "producer/evict.go",
		old:    "case hog != nil && hog != t:",
		new:    "case hog != nil && hog != t && l == nil:",
		by: check{"test/producer",
			"TestVirtual_F15_ATopicKeepsNoMoreThanHalfWhileOthersWantRoom"},
		says: "Should be zero",
	},
	{
		name:   "low goes beside high as if it were alone",
		broken: "requests of a lower priority are as large and as many beside a higher one",
		file:   "internal/dispatch/pick.go",
		old:    "b.alone = se.cluster.gate.Alone(se.lane.Priority, b.ID, se.pass.now)",
		new:    "b.alone = true",
		by:     check{"test/producer", "TestVirtual_F15_HighGoesBeforeLowWhereTheyShareABroker"},
		says:   "is not less than",
	},

	// Reports.
	{
		name:   "a report is lost",
		broken: "of every batch that was delivered one record is not reported",
		file:   "producer/report.go",
		old:    "v.Batch.EachTag(func(i int, tag uint64, born time.Duration) {",
		new: "v.Batch.EachTag(func(i int, tag uint64, born time.Duration) {\n\t\t\tif i == 3 " +
			"{\n\t\t\t\treturn\n\t\t\t}",
		by:   errorCodes,
		says: "has 0 reports",
	},
	{
		name:   "a report is given twice",
		broken: "of every batch that was delivered one record is reported twice",
		file:   "producer/report.go",
		old:    "r.tell(reportOf(v, i, tag, born), calls[i])",
		new: "r.tell(reportOf(v, i, tag, born), calls[i])\n\t\tif i == 3 " +
			"{\n\t\t\tr.tell(reportOf(v, i, tag, born), nil)\n\t\t}",
		by:   errorCodes,
		says: "has 2 reports",
	},
	{
		name:   "the callback is called under a lock",
		broken: "a callback that hangs holds up delivery",
		file:   "producer/report.go",
		old:    "\tfn(r.told)",
		new:    "\tr.mu.Lock()\n\tdefer r.mu.Unlock()\n\tfn(r.told)",
		by: check{"test/producer",
			"TestVirtual_F16_ACallbackThatHangsOrPanicsStopsNobodysDelivery"},
		says:  "test timed out",
		hangs: true,
	},

	// Order and place.
	{
		name:   "dealt out behind newer ones",
		broken: "keyed batches that are dealt out anew wait behind newer ones of their partition",
		file:   "buffer/deal.go",
		old:    "t.boundLocked(Keyed, c.partition).dealt.insertByOrder(c, false)",
		new:    "t.boundLocked(Keyed, c.partition).sealed.push(c)",
		by:     check{"buffer", "TestTopic_WhatIsDealtOutGoesBeforeWhatCameMeanwhile"},
		says:   "the order of a key",
	},
	{
		name:   "given back behind newer ones",
		broken: "a keyed batch that was not appended waits behind newer ones of its partition",
		file:   "buffer/take.go",
		old:    "t.boundLocked(b.kind, b.partition).dealt.insertByOrder(b, true)",
		new:    "t.boundLocked(b.kind, b.partition).sealed.push(b)",
		by:     check{"buffer", "TestTopic_WhatIsGivenBackGoesBeforeWhatCameMeanwhile"},
		says:   "Not equal",
	},
	{
		name:   "keys of large hashes go elsewhere than Java's",
		broken: "the sign of a key's hash is dropped otherwise than the Java client does it",
		file:   "partitioner/key.go",
		old:    "murmur2(key)&0x7fffffff",
		new:    "murmur2(key)>>1",
		by:     check{"partitioner", "TestForKey_IsThePartitionThatKgoChooses"},
		says:   "Not equal",
	},
	{
		name:   "another seed",
		broken: "keys are hashed with another seed than Java's",
		file:   "partitioner/key.go",
		old:    "0x9747b28c",
		new:    "0x9747b28d",
		by:     check{"partitioner", "TestMurmur2_IsJavas"},
		says:   "Not equal",
	},

	// Load.
	{
		name:   "a busy broker is taken for a far one",
		broken: "a broker whose answers come late gets more requests, as one that is far away",
		file:   "internal/dispatch/broker.go",
		old: "if b.away > farAway {\n\t\treturn " +
			"min(slotsPerBroker+int((b.away-farAway)/farStep), slotsFar)",
		new: "if b.serving.median > farAway {\n\t\treturn " +
			"min(slotsPerBroker+int((b.serving.median-farAway)/farStep), slotsFar)",
		by:   check{"internal/dispatch", "TestBroker_OneThatIsBusyIsNotTakenForAFarOne"},
		says: "to what it has to do",
	},
	{
		name:   "a width that brings nothing is kept",
		broken: "a broker whose answers come late gets more requests, whether or not that helps",
		file:   "internal/dispatch/width.go",
		old:    "rate < widerTimes*w.kept",
		new:    "rate < 0*w.kept",
		by:     check{"internal/dispatch", "TestWidth_AtABrokerWithTooMuchToDoItLeavesTheOthersTheirPlace"},
		says:   "others: time at more than",
	},
	{
		name:   "brokers that are away are probed at a pace of their own each",
		broken: "a producer that knows many brokers makes as many more attempts in an outage",
		file:   "internal/cluster/walk.go",
		old:    "time.Duration(soon/atOnce)",
		new:    "time.Duration(soon/max(atOnce, float64(n)))",
		by: check{"internal/cluster",
			"TestWalk_ProbesThreeInTheTimeOfOneAndEachOnceInTheLongestTime"},
		says: "Relative error is too high",
	},
	{
		name:   "a broker that is suspect for a moment ends an outage",
		broken: "one that answers probes and fails all else has the others probed often for ever",
		file:   "internal/cluster/answer.go",
		old:    "if news && s.targets.dark() {",
		new:    "if t.state != good && s.targets.dark() {",
		by: check{"internal/cluster",
			"TestWalk_OfALongOutageIsNotEndedByABrokerThatIsSuspectForAMoment"},
		says: "expected: false",
	},

	// Shards and calls.
	{
		name:   "records of shards are not pending",
		broken: "what was added to a shard is in the books as accepted and nowhere else",
		file:   "buffer/shard.go",
		old:    "t.pending += sh.added",
		new:    "",
		by:     check{"buffer", "TestShard_NoRecordWaitsForTheLockOfTheTopic"},
		says:   "Not equal",
	},
	{
		name:   "sealed late, sent late",
		broken: "an un-keyed batch that is sealed after younger ones of shards is sent after them",
		file:   "buffer/queue.go",
		old:    "case s.kind == Unkeyed:",
		new:    "case false:",
		by:     check{"buffer", "TestShard_ABatchBesideThemThatIsSealedLateIsSentBeforeYoungerOnes"},
		says:   "the oldest goes first",
	},
	{
		name:   "a function gets the outcome of another record",
		broken: "where few records of a batch have a function, it is that of the record before",
		file:   "buffer/call.go",
		old:    "yield(c.index, c.tag, c.born, c.call)",
		new:    "yield(c.index+1, c.tag, c.born, c.call)",
		by:     check{"buffer", "TestBatch_KeepsTheCallsOfItsRecords"},
		says:   "Not equal",
	},

	// Time.
	{
		name:   "Send waits for room",
		broken: "Send waits while the buffer is full",
		file:   "producer/send.go",
		old:    "err = p.append(topic, rec, call, false)",
		new: "err = p.append(topic, rec, call, false)\n\t\tif errors.Is(err, buffer.ErrFull) " +
			"{\n\t\t\t<-make(chan struct{})\n\t\t}",
		by:    check{"producer", "TestSend_RefusesAtTheBoundAndTheBooksBalance"},
		says:  "test timed out",
		hangs: true,
	},
	{
		name:   "expiry by the record's timestamp",
		broken: "the delivery timeout is measured from the timestamp of the record, not from Send",
		file:   "buffer/batch.go",
		old:    "b.baseTime, b.maxTime, b.born = r.Timestamp, r.Timestamp, born",
		new: "b.baseTime, b.maxTime, b.born = r.Timestamp, r.Timestamp, " +
			"born-time.Since(time.UnixMilli(r.Timestamp))",
		by:   check{"test/producer", "TestVirtual_ExpiresNeverLateAndAtMostASixteenthEarly"},
		says: "is not greater than",
	},
	{
		name:   "a TTL is ignored",
		broken: "a record with a TTL expires at the delivery timeout of its priority",
		file:   "producer/send.go",
		old:    "r.TTL, r.Call = rec.TTL, call",
		new:    "r.Call = call",
		by:     check{"test/producer", "TestVirtual_TTL_ExpiresNeverLateAndAtMostASixteenthEarly"},
		says:   "is not less than or equal to",
	},
	{
		name:   "a TTL is ignored in flight",
		broken: "a record with a TTL that is in flight expires at the delivery timeout",
		file:   "internal/dispatch/expire.go",
		old:    "deadline := it.batch.Deadline(ts.cfg.DeliveryTimeout)",
		new:    "deadline := it.batch.Born() + ts.cfg.DeliveryTimeout",
		by:     check{"test/producer", "TestVirtual_TTL_EndsWhereTheBrokerDoesNotAnswer"},
		says:   "Should be zero",
	},
	{
		name:   "a short TTL is looked at late",
		broken: "a new batch with a short TTL does not wake a dispatcher that will look too late",
		file:   "buffer/topic.go",
		old:    "wait = min(wait, b.ttl/ttlParts)",
		new:    "",
		by:     check{"buffer", "TestOutlet_ABatchWithAShortTTLWakesWhoWouldLookTooLate"},
		says:   "Should be true",
	},
	{
		name:   "a batch takes records for too much of its TTL",
		broken: "records that join a batch late expire with it, much too early",
		file:   "buffer/ttl.go",
		old:    "age < b.ttl/ttlParts",
		new:    "age < b.ttl/2",
		by:     check{"buffer", "TestTopic_KeepsTheTTLOfEachRecord"},
		says:   "is not greater than or equal to",
	},
	{
		name: "a network that cuts is taken for a broker that refuses a size",
		broken: "a batch whose answers were lost three times is halved, and is in the log " +
			"twice",
		file: "internal/dispatch/split.go",
		old:  "if z.deaths < aloneDeaths {",
		new:  "if it.batch.Records() == 1 && z.deaths < aloneDeaths {",
		by: check{"test/producer",
			"TestVirtual_F8_ALargeBatchWhoseAnswersAreLostSixTimesInARowIsThereOnce"},
		says: "the batch was halved",
	},
	{
		name:   "a divided batch forgets an older record",
		broken: "of what was joined and is divided again, an older record behind expires late",
		file:   "buffer/deal.go",
		old:    "c.born = min(c.born, born)",
		new:    "_ = 0",
		by: check{"buffer",
			"TestTopic_WhatWasJoinedAndIsDividedAgainExpiresWithItsOldestRecord"},
		says: "24h30m0s",
	},
	{
		name:   "a batch that compresses badly is too large",
		broken: "a batch that was to be compressed better is sent as large as it is",
		file:   "internal/dispatch/split.go",
		old:    "!lethal && !batch.IsLarge()",
		new:    "!lethal",
		by: check{"test/producer",
			"TestVirtual_Diskless_KeyedBatchesAreFullWhenTheyAreCompressed"},
		says: "is not less than or equal to \"65536\"",
	},
	{
		name:   "an open batch is cut in pieces",
		broken: "a large batch is halved before it is compressed, and takes more requests",
		file:   "internal/dispatch/fill.go",
		old:    "case b.IsStretched() && se.packs(ts):",
		new:    "case false:",
		by:     check{"test/producer", "TestVirtual_Diskless_AnOpenBatchGoesCompressedAndWhole"},
		says:   "is not less than",
	},
	{
		name:   "stretched batches are not given back",
		broken: "what open batches have exceeded full ones by counts for ever",
		file:   "buffer/queue.go",
		old:    "b.unstretch()",
		new:    "_ = 0",
		by:     check{"buffer", "TestTopic_ABatchForAPartitionIsFullWhenItIsCompressed"},
		says:   "it is given back",
	},
	{
		name: "another lane takes what must be compressed its slots",
		broken: "records with keys wait for as long as another lane, or another topic, has more to " +
			"compress than it can",
		file: "internal/dispatch/active.go",
		old:  "compressor.fill(&se.packing,",
		new:  "compressor.fill(&se.engine.compressor.busy,",
		by: check{"internal/dispatch",
			"TestSender_WhatMustBeCompressedWaitsForNoOtherLaneOrTopic"},
		says: "expected: 1",
	},
	{
		name:   "partitions take no turns to be compressed",
		broken: "the first partition with much to send has all that is compressed",
		file:   "buffer/take.go",
		old:    "for range t.bound {\n\t\tt.claim++\n",
		new:    "for i := range t.bound {\n\t\tt.claim = i\n",
		by:     check{"buffer", "TestTopic_PartitionsHaveTheirFirstBatchesCompressedInTurns"},
		says:   "it takes turns",
	},
	{
		name:   "buffers stay large after a rush",
		broken: "a batch of one record has the buffer of a full one, each time",
		file:   "buffer/queue.go",
		old:    "s.hint /= 2",
		new:    "_ = 0",
		by:     check{"buffer", "TestTopic_AfterARushABatchOfFewRecordsIsSmallAgain"},
		says:   "is not less than \"2048\"",
	},
	{
		name:   "what was not sent counts as written",
		broken: "a batch of which nothing was written counts as unresolved",
		file:   "internal/cluster/request.go",
		old:    "r.closed = true\n\treturn r.written",
		new:    "r.closed = true\n\treturn true",
		by:     check{"internal/cluster", "TestLink_WhatWasNotWrittenIsNotSent"},
		says:   "Not equal",
	},

	// Fallbacks.
	{
		name: "what was written moves at once",
		broken: "a batch that was written and not answered goes to the fallback, where it was " +
			"said that it must not",
		file: "internal/dispatch/expire.go",
		old:  "case after == Never || st.pinned.Kind() != buffer.Unkeyed:",
		new:  "case st.pinned.Kind() != buffer.Unkeyed:",
		by:   check{"test/producer", "TestVirtual_F14_WhatWasWrittenAndNotAnsweredStays"},
		says: "Should be zero",
	},
	{
		name: "what is on its way is left behind",
		broken: "a batch in flight that was not written is forgotten when its topic goes to " +
			"another cluster",
		file: "internal/dispatch/handover.go",
		old:  "it.gone = true\n\t\t\tho.again(it)",
		new:  "it.gone = true",
		by:   check{"test/producer", "TestVirtual_F25_WhatIsOnItsWayAndNotWrittenMovesAtOnce"},
		says: "nothing stays behind|context deadline exceeded",
	},
	{
		name:   "no priority returns",
		broken: "a priority stays with its fallback, however well its primary is",
		file:   "internal/dispatch/failover.go",
		old:    "return max(plus(h.Since, f.th.ReturnAfter), f.freeAt())",
		new:    "return far",
		by:     check{"test/producer", "TestVirtual_F14_FallsBackAndReturns"},
		says:   `should have 2 item\(s\)`,
	},
	{
		name:   "switches are not limited",
		broken: "a priority switches as often as its primary flaps",
		file:   "producer/host.go",
		old:    "SwitchEvery: pc.SwitchEvery}",
		new:    "SwitchEvery: 0 * pc.SwitchEvery}",
		by:     check{"test/producer", "TestVirtual_F14_FlappingSwitchesAtMostOnceAMinute"},
		says:   "is not greater than or equal to",
	},
	{
		name:   "keys are not dealt out for a fallback",
		broken: "keyed batches keep the partition that their keys have in the other cluster",
		file:   "buffer/deal.go",
		old:    "p := forKey(t.name, r.Key, count)",
		new:    "p := max(b.partition, 0) + 0*forKey(t.name, r.Key, count)",
		by:     check{"test/producer", "TestVirtual_F14_FallsBackAndReturns"},
		says:   "the key's partition in",
	},
	{
		name: "a change begins thresholds anew",
		broken: "with each change of settings a primary counts as well until it has been down " +
			"for the threshold again",
		file: "internal/dispatch/chooser.go",
		old:  "if before != nil {\n\t\tc.machine = before.machine\n\t}",
		new:  "",
		by:   check{"test/producer", "TestVirtual_F14_ReconfigureDoesNotPutOffAFallback"},
		says: `should have 1 item\(s\)`,
	},

	// Names.
	{
		name:   "nobody asks who a connection leads to",
		broken: "a new connection is written to without asking for the ID of its cluster",
		file:   "internal/cluster/guard.go",
		old:    "case !g.proven && !opens(q.key):",
		new:    "case g.proven && !opens(q.key):",
		by: check{"test/producer",
			"TestVirtual_F13_ANewConnectionIsAskedBeforeRecordsAreWrittenToIt/Kafka_4.0"},
		says: "records went astray",
	},

	// Records on hold.
	{
		name:   "a hold is released without its patch",
		broken: "records that were on hold are sent with the placeholder in their values",
		file:   "buffer/onhold.go",
		old:    "\tb.apply(b.hold.patch.Load())\n",
		new:    "",
		by:     patchedRecords,
		says:   "is not as sent",
	},
	{
		name:   "a record for a released hold is not patched",
		broken: "Send writes no patch into a record whose Hold is released",
		file:   "buffer/onhold.go",
		old:    "patched.Value, _ = Patched(h, r.Value)",
		new:    "_ = patched.Value",
		by:     patchedRecords,
		says:   "is not as sent",
	},
	{
		name:   "a hold is released into the past",
		broken: "newer records of a key join batches that are older than what was on hold",
		file:   "buffer/onhold.go",
		old:    "for _, s := range t.keyed {",
		new:    "for _, s := range t.keyed[:0] {",
		by:     check{"test/producer", "TestVirtual_AKeyKeepsItsOrderAcrossRelease"},
		says:   "stands after",
	},
	{
		name:   "what was on hold is not dealt out",
		broken: "nobody is told of keyed records that a Hold has let go",
		file:   "buffer/onhold.go",
		old:    "t.undealtNews.Store(true)",
		new:    "t.undealtNews.Store(false)",
		by:     patchedRecords,
		says:   "Not equal",
	},
	{
		name:   "a batch expires by its first record",
		broken: "a batch that is joined by an older one expires no earlier",
		file:   "buffer/deal.go",
		old:    "\tt.dueEarlierLocked(into)\n",
		new:    "",
		by:     check{"buffer", "TestTopic_ABatchThatGetsAnOlderRecordExpiresEarlier"},
		says:   "Not equal",
	},
	{
		name:   "batches expire by the order of their opening",
		broken: "a batch that was opened earlier, but has younger records, hides one that expires",
		file:   "buffer/expire.go",
		old:    "return d[i].Deadline(0) < d[j].Deadline(0)",
		new:    "return d[i].order < d[j].order",
		by:     check{"buffer", "TestTopic_WhatWasDealtOutDoesNotHideAnOlderRecord"},
		says:   "is not greater than",
	},
	{
		name:   "records on hold do not expire",
		broken: "the dispatcher sleeps while nothing but records on hold waits",
		file:   "internal/dispatch/active.go",
		old:    "case ts.onHold, ts.leaving:",
		new:    "case false:",
		by:     check{"test/producer", "TestVirtual_RecordsOnHoldExpireInTimeAsSchemaUnknown"},
		says:   "is not less than or equal to",
	},
	{
		name:   "a hold without a share",
		broken: "records on hold take all of the memory",
		file:   "buffer/budget.go",
		old:    "if b.onHold.Add(n) <= b.Max()/onHoldShare {",
		new:    "if b.onHold.Add(n) <= b.Max() {",
		by:     check{"test/producer", "TestVirtual_AThousandHoldsTakeAQuarterOfTheMemoryAtMost"},
		says:   "is not positive",
	},

	// IDs of schemas.
	{
		name:   "an ID is written in another place",
		broken: "the release of events that wait for an ID writes it behind its place",
		file:   "event/registry/entry.go",
		old:    "was.hold.Release(idOffset, ",
		new:    "was.hold.Release(idOffset+1, ",
		by:     check{"test/registry", "TestVirtual_EventsWaitForTheRegistry/away"},
		says:   "registration is missing for encode/decode",
	},
	{
		name:   "an ID of another schema",
		broken: "the ID that the lock file has for another schema of the subject is used",
		file:   "event/registry/lock.go",
		old:    "\t\tothers = others || key.subject == subject\n",
		new:    "\t\tif key.subject == subject {\n\t\t\treturn l.ids[key], false\n\t\t}\n",
		by:     check{"event/registry", "TestLock_AnEntryOfAnotherSchemaIsNotUsed"},
		says:   "Expected value not to be nil",
	},

	// The audit.
	{
		name:   "a record that is read twice",
		broken: "what two readers have read counts as two copies in the log",
		file:   "audit/ledger.go",
		old:    "for _, part := range fresh {",
		new:    "for _, part := range []span{{s.from, s.upto}} {",
		by:     auditIsTrue,
		says:   "Not equal",
	},
	{
		name:   "a loss that nobody looks for",
		broken: "delivered records that are not in the log are not found",
		file:   "audit/account.go",
		old:    "a.suspect[0].take(&unseen)",
		new:    "_ = unseen",
		by:     auditIsTrue,
		says:   "Not equal",
	},
	{
		name:   "a loss that retention explains",
		broken: "records that were deleted before a reader came are called lost",
		file:   "audit/account.go",
		old:    "\tcase skipped:\n",
		new:    "\tcase skipped && r.n > 1<<30:\n",
		by:     check{"audit", "TestLedger_WhatNobodyReadsIsNotLost"},
		says:   "Not equal",
	},
	{
		name:   "a loss that is called one at once",
		broken: "a record is called lost while a statement may be on its way",
		file:   "audit/account.go",
		old:    "if now.Sub(a.turned) < grace/turns {",
		new:    "if now.Sub(a.turned) < grace/turns/10 {",
		by:     check{"audit", "TestLedger_CallsARecordLostAfterAWhile"},
		says:   "Not equal",
	},
	{
		name:   "a copy that nobody explains",
		broken: "records that are there twice count as explained",
		file:   "audit/account.go",
		old:    "c.Explained = a.copies.and(&a.again)",
		new:    "c.Explained = a.copies.and(&a.settled)",
		by:     auditIsTrue,
		says:   "Not equal",
	},
	{
		name:   "a tag of the application",
		broken: "a report has the number of the audit in place of the application's tag",
		file:   "audit/source.go",
		old:    "\tr.Tag = tag\n",
		new:    "",
		by:     check{"audit", "TestSource_GivesBackTheTagAndTheHeadersOfTheApplication"},
		says:   "Not equal",
	},
}
