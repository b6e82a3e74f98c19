package drive

import (
	"fmt"
	"math/rand/v2"
)

// pooled is how many bytes of values there are. They come round again when no batch has them any more, also one of a client that
// goes to another partition after every few, so that nobody's compressor sees one twice.
const pooled = 8 << 20

// Values returns the values of that kind, the same in each run. All are made of the lines of a log: a value of one letter
// would flatter whoever compresses.
func Values(kind string) ([][]byte, error) {
	r := rand.New(rand.NewPCG(1, 2))
	values := make([][]byte, pooled/SizeOf(kind))
	for i := range values {
		switch kind {
		case "lines":
			values[i] = line(r)
		case "100B":
			values[i] = cut(r, 100)
		case "1KiB":
			values[i] = cut(r, 1<<10)
		default:
			return nil, fmt.Errorf("no values are named %q", kind)
		}
	}
	return values, nil
}

// SizeOf returns the size of a value of that kind; of lines, about.
func SizeOf(kind string) int {
	switch kind {
	case "1KiB":
		return 1 << 10
	default:
		return 100
	}
}

// cut returns n bytes of lines.
func cut(r *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		b = append(append(b, line(r)...), '\n')
	}
	return b[:n]
}

// templates look like what services and systems write.
var templates = []func(*rand.Rand) string{
	func(r *rand.Rand) string {
		return fmt.Sprintf("INFO dfs.DataNode$PacketResponder: Received block blk_%d of size %d from /10.250.%d.%d", r.Int64(), 67108864, r.IntN(256), r.IntN(256))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("sshd[%d]: Failed password for invalid user admin from 173.234.%d.%d port %d ssh2", 20000+r.IntN(9000), r.IntN(256), r.IntN(256), 1024+r.IntN(60000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("[error] [client 192.168.%d.%d] File does not exist: /var/www/html/%s/index.php", r.IntN(256), r.IntN(256), words[r.IntN(len(words))])
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("{\"level\":\"info\",\"msg\":\"request served\",\"path\":\"/api/v2/%s/%d\",\"status\":200,\"took_ms\":%.3f,\"trace\":\"%016x\"}", words[r.IntN(len(words))], r.IntN(100000), r.ExpFloat64()*20, r.Uint64())
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("WARN [QuorumPeer[myid=%d]/0:0:0:0:0:0:0:0:2181:Learner@%d] - Revalidating client: 0x%x", 1+r.IntN(3), 100+r.IntN(900), r.Uint64())
	},
}

var words = []string{"orders", "users", "sessions", "payments", "search", "catalogue", "cart", "events", "devices", "metrics"}

// line returns one line, without its end.
func line(r *rand.Rand) []byte {
	at := fmt.Sprintf("2026-03-%02d %02d:%02d:%02d,%03d ", 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
	return []byte(at + templates[r.IntN(len(templates))](r))
}
