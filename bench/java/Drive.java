import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Drives Kafka's Java producer as package drive drives the others: the same load in the same JSON, the same result. */
public class Drive {
    static final long STEP = 1_000_000, GRACE = 2_000_000_000L;
    static final int FINE = 64, WARM_PER_SECOND = 40_000;

    static JsonNode load;
    static byte[][] values;
    static String[] topics;
    static int instances, partitions;
    static boolean explicit, timed, held, anew;
    static long perSecond, forNanos, atMost, step;
    static AtomicLongArray sent, done; // null: no journal
    static final AtomicLong delivered = new AtomicLong(), failed = new AtomicLong();
    static final AtomicReference<String> said = new AtomicReference<>();
    static volatile boolean warming = true;
    static final AtomicLong failedWarm = new AtomicLong(), deliveredWarm = new AtomicLong();

    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("Client", "java");
        try {
            load = json.readTree(args[0]);
            run(result, args[1]);
        } catch (Exception e) {
            result.put("Error", String.valueOf(e));
        }
        System.out.println(json.writeValueAsString(result));
        System.out.flush();
        Runtime.getRuntime().halt(0); // producers whose broker is away take their time to close
    }

    /** The values come in a file that the other driver wrote, so that they are the same: for each its length and its bytes. */
    static void readValues(String file) throws Exception {
        ByteBuffer raw = ByteBuffer.wrap(Files.readAllBytes(Path.of(file)));
        List<byte[]> all = new ArrayList<>();
        while (raw.hasRemaining()) {
            byte[] value = new byte[raw.getInt()];
            raw.get(value);
            all.add(value);
        }
        values = all.toArray(new byte[0][]);
    }

    static void run(Map<String, Object> r, String valuesFile) throws Exception {
        readValues(valuesFile);
        topics = new String[load.get("Topics").size()];
        for (int i = 0; i < topics.length; i++) topics[i] = load.get("Topics").get(i).asText();
        instances = Math.max(1, load.get("Instances").asInt());
        partitions = load.get("Partitions").asInt();
        explicit = load.get("Explicit").asBoolean();
        timed = load.get("Timed").asBoolean();
        held = load.get("Held").asBoolean();
        anew = load.get("Anew").asBoolean();
        perSecond = load.get("PerSecond").asLong();
        forNanos = load.get("For").asLong();
        atMost = load.get("AtMost").asLong();
        step = load.get("Step").asLong() > 0 ? load.get("Step").asLong() : STEP;
        String journal = load.get("Journal").asText();
        if (!journal.isEmpty()) {
            int n = (int) (atMost > 0 ? atMost : perSecond * forNanos / 1_000_000_000L + instances);
            sent = new AtomicLongArray(n);
            done = new AtomicLongArray(n);
        }
        Map<String, Object> settings = settings();
        List<Caller> callers = new ArrayList<>();
        for (int i = 0; i < instances; i++) callers.add(new Caller(new KafkaProducer<>(settings), i));
        settings.remove("bootstrap.servers");
        settings.put("idempotence", "yes (default)");
        settings.put("acks", "all (default)");
        r.put("Told", settings.entrySet().stream().collect(
            LinkedHashMap::new, (m, e) -> m.put(e.getKey(), String.valueOf(e.getValue())), LinkedHashMap::putAll));
        warm(callers);
        System.out.println("ready");
        System.out.flush();
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        if (load.get("Fill").asBoolean()) fill(callers.get(0));
        warming = false;

        long heap = 0, rss = 0;
        double gcIdle = 0;
        if (held) {
            gcIdle = gcShare();
            heap = heap();
            rss = resident();
        }
        System.gc();
        long cpu = cpu(), allocated = allocated(), start = System.nanoTime();
        boolean stuck = makeCalls(callers, start);
        r.put("CallNanos", System.nanoTime() - start);
        Map<String, Object> h = null;
        if (held) {
            h = new LinkedHashMap<>();
            h.put("HeapBytes", heap() - heap);
            h.put("HeapObjects", -1);
            h.put("RSSBytes", resident() - rss);
            h.put("GCShare", gcShare());
            h.put("GCShareIdle", gcIdle);
        }
        long finish = load.get("Finish").asLong();
        if (finish > 0 && !stuck) r.put("Finished", finish(callers, finish));
        r.put("WallNanos", System.nanoTime() - start);
        r.put("CPUNanos", cpu() - cpu);
        r.put("Mallocs", -1);
        r.put("AllocBytes", allocated() - allocated);
        long calls = 0, refused = 0;
        for (Caller c : callers) {
            calls += c.calls.get();
            refused += c.refused.get();
        }
        r.put("Due", perSecond > 0 ? perSecond * forNanos / 1_000_000_000L : calls);
        r.put("Calls", calls);
        r.put("Accepted", calls - refused);
        r.put("Counts", Map.of("Delivered", delivered.get(), "Failed", failed.get(), "Refused", refused, "Uncounted", false));
        if (said.get() != null) r.put("Failed", said.get());
        if (timed) r.put("Latency", latency(callers));
        if (h != null) {
            h.put("Records", calls - refused - delivered.get() - failed.get());
            r.put("Held", h);
        }
        if (sent != null) writeJournal(journal);
    }

    static Map<String, Object> settings() {
        Map<String, Object> s = new LinkedHashMap<>();
        List<String> brokers = new ArrayList<>();
        load.get("Brokers").forEach(b -> brokers.add(b.asText()));
        s.put("bootstrap.servers", String.join(",", brokers));
        s.put("key.serializer", ByteArraySerializer.class);
        s.put("value.serializer", ByteArraySerializer.class);
        s.put("linger.ms", (int) (load.get("Linger").asLong() / 1_000_000));
        s.put("compression.type", load.get("Compression").asText());
        s.put("buffer.memory", load.get("BoundBytes").asLong() / instances);
        return s;
    }

    /** The application: one thread that calls one producer. */
    static class Caller {
        final KafkaProducer<byte[], byte[]> producer;
        final int index;
        final AtomicLong calls = new AtomicLong(), refused = new AtomicLong();
        final long[] counts = new long[FINE * 64]; // guarded by this, as what follows
        long max, begun;

        Caller(KafkaProducer<byte[], byte[]> producer, int index) {
            this.producer = producer;
            this.index = index;
        }

        void run(long start) {
            if (perSecond > 0) paced(start);
            else flatOut(start);
        }

        void paced(long start) {
            double perNano = (double) perSecond / instances / 1e9, ahead = (double) index / instances;
            long made = 0;
            for (long tick = start; ; ) {
                long elapsed = Math.min(System.nanoTime() - start, forNanos);
                for (long due = (long) (elapsed * perNano + ahead); made < due; made++) {
                    if (System.nanoTime() - start > forNanos + step) return;
                    call(made);
                }
                if (elapsed >= forNanos) return;
                tick += step;
                sleep(tick - System.nanoTime());
            }
        }

        void flatOut(long start) {
            long most = atMost / instances;
            for (long made = 0; most == 0 || made < most; made++) {
                if (made % 32 == 0 && System.nanoTime() - start > forNanos) return;
                while (!call(made) && !held) {
                    if (System.nanoTime() - start > forNanos) return;
                    sleep(100_000);
                }
            }
        }

        boolean call(long i) {
            long seq = i * instances + index;
            String topic = topics[(int) (seq % topics.length)];
            byte[] value = values[(int) (seq % values.length)];
            if (sent != null || held) {
                value = value.clone();
                ByteBuffer.wrap(value).putLong(seq);
            }
            if (anew) value = value.clone();
            if (sent != null) sent.set((int) seq, now());
            calls.incrementAndGet();
            boolean taken;
            if (timed) {
                synchronized (this) {
                    begun = System.nanoTime();
                }
                long begin = System.nanoTime();
                taken = send(topic, value, seq);
                long took = System.nanoTime() - begin;
                synchronized (this) {
                    begun = 0;
                    add(took);
                }
            } else {
                taken = send(topic, value, seq);
            }
            if (!taken) {
                refused.incrementAndGet();
                if (sent != null) sent.set((int) seq, 0);
            }
            return taken;
        }

        boolean send(String topic, byte[] value, long seq) {
            Integer partition = null;
            if (explicit) partition = (int) (((seq * 0x9e3779b97f4a7c15L) >>> 33) % partitions);
            Callback heard = sent == null ? HEARD : (m, e) -> {
                HEARD.onCompletion(m, e);
                if (seq < sent.length()) done.set((int) seq, e == null ? now() : -now());
            };
            // A record that is refused is told to the callback too, on this thread, before send returns or throws.
            Long before = refusing.get();
            refusing.set(1L);
            try {
                producer.send(new ProducerRecord<>(topic, partition, null, value), heard);
                return refusing.get() == 1L;
            } catch (Exception e) {
                said.compareAndSet(null, e.toString());
                return false;
            } finally {
                refusing.set(before);
            }
        }

        void add(long took) {
            counts[bucket(took)]++;
            max = Math.max(max, took);
        }
    }

    /** 1 while this thread is in send, 2 when the callback was told there of a failure: the record was refused. */
    static final ThreadLocal<Long> refusing = ThreadLocal.withInitial(() -> 0L);

    static final Callback HEARD = (metadata, e) -> {
        if (e == null) {
            (warming ? deliveredWarm : delivered).incrementAndGet();
            return;
        }
        said.compareAndSet(null, e.toString());
        if (refusing.get() == 1L) refusing.set(2L);
        else (warming ? failedWarm : failed).incrementAndGet();
    };

    static void warm(List<Caller> callers) {
        int n = load.get("Warm").asInt();
        if (n == 0) return;
        long start = System.nanoTime();
        for (int i = 0; i < n; i++) {
            int seq = i / instances;
            callers.get(i % instances).send(topics[seq % topics.length], values[i % values.length], Long.MAX_VALUE);
            if (i % 20 == 19) sleep(start + i * (1_000_000_000L / WARM_PER_SECOND) - System.nanoTime());
        }
        sleep(500_000_000);
        for (int i = 0; i < 10_000 && deliveredWarm.get() + failedWarm.get() < n; i++) sleep(STEP);
    }

    static void fill(Caller c) throws InterruptedException {
        Thread filler = new Thread(() -> {
            for (int i = 0; c.send(topics[0], values[i % values.length], Long.MAX_VALUE); i++) { }
        });
        filler.setDaemon(true);
        filler.start();
        filler.join(GRACE / 1_000_000);
    }

    static boolean makeCalls(List<Caller> callers, long start) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Caller c : callers) {
            Thread t = new Thread(() -> {
                c.run(start);
                endedAllocated.addAndGet(threads().getThreadAllocatedBytes(Thread.currentThread().getId()));
            });
            t.setDaemon(true);
            t.start();
            threads.add(t);
        }
        boolean stuck = false;
        for (Thread t : threads) {
            t.join(Math.max(1, (start + forNanos + GRACE - System.nanoTime()) / 1_000_000));
            stuck |= t.isAlive();
        }
        return stuck;
    }

    static boolean finish(List<Caller> callers, long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        boolean all = true;
        for (Caller c : callers) {
            Thread t = new Thread(() -> c.producer.flush());
            t.setDaemon(true);
            t.start();
            t.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
            all &= !t.isAlive();
        }
        return all;
    }

    static Map<String, Object> latency(List<Caller> callers) {
        long max = 0;
        Map<String, Long> counts = new LinkedHashMap<>();
        for (Caller c : callers) {
            synchronized (c) {
                if (c.begun != 0) c.add(System.nanoTime() - c.begun);
                max = Math.max(max, c.max);
                for (int b = 0; b < c.counts.length; b++) {
                    if (c.counts[b] > 0) counts.merge(String.valueOf(b), c.counts[b], Long::sum);
                }
            }
        }
        return Map.of("Counts", counts, "Max", max);
    }

    static int bucket(long n) {
        if (n < FINE) return (int) Math.max(n, 0);
        int shift = (64 - Long.numberOfLeadingZeros(n)) - (64 - Long.numberOfLeadingZeros(FINE));
        return shift * FINE + (int) (n >> shift);
    }

    static void writeJournal(String path) throws Exception {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(path)))) {
            for (int i = 0; i < sent.length(); i++) {
                out.writeLong(sent.get(i));
                out.writeLong(done.get(i));
            }
        }
    }

    static volatile byte[] sink;

    /** The collectors' time as a share of the CPU that the process took, while the application allocates. */
    static double gcShare() {
        long gc = gcMillis(), cpu = cpu(), start = System.nanoTime();
        for (long tick = start; tick - start < 2_000_000_000L; tick += STEP) {
            for (int i = 0; i < 100; i++) sink = new byte[1 << 10];
            sleep(tick - System.nanoTime());
        }
        return (gcMillis() - gc) * 1e6 / Math.max(1, cpu() - cpu);
    }

    static long gcMillis() {
        long sum = 0;
        for (GarbageCollectorMXBean b : ManagementFactory.getGarbageCollectorMXBeans()) sum += b.getCollectionTime();
        return sum;
    }

    static long heap() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    static long resident() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
        return 0;
    }

    /** By the kernel's ticks of 10 ms, so it is for what takes a second. */
    static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** What callers have allocated that have ended. */
    static final AtomicLong endedAllocated = new AtomicLong();

    static com.sun.management.ThreadMXBean threads() {
        return (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    }

    /** What the threads have allocated that are alive, and the callers that have ended. */
    static long allocated() {
        com.sun.management.ThreadMXBean b = threads();
        long sum = endedAllocated.get();
        for (long n : b.getThreadAllocatedBytes(b.getAllThreadIds())) sum += Math.max(0, n);
        return sum;
    }

    static long now() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** Thread.sleep would round to milliseconds. */
    static void sleep(long nanos) {
        if (nanos > 0) LockSupport.parkNanos(nanos);
    }
}
