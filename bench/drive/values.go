package drive

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// pooled is how many bytes of values there are. They come round again when no batch has them any
// more, also one of a client that goes to another partition after every few, so that nobody's
// compressor sees one twice.
const pooled = 8 << 20

// Values returns the values of that kind, the same in each run, side by side in memory. All are
// made of the lines of a log: a value of one letter would flatter whoever compresses. Those called
// lines are the lines of real logs, if a folder of such is given.
func Values(kind, logs string) ([][]byte, error) {
	if kind == "lines" && logs != "" {
		return linesOf(logs)
	}
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
	return sideBySide(values), nil
}

// sideBySide moves values into one piece of memory. One that an application has just encoded is in
// the processor's cache; the next of those that lie in a row nearly is.
func sideBySide(values [][]byte) [][]byte {
	slab := bytes.Join(values, nil)
	for i, v := range values {
		values[i], slab = slab[:len(v):len(v)], slab[len(v):]
	}
	return values
}

// shortest is the least length of a line that is a value, which a number must fit into.
const shortest = 9

// linesOf returns the lines of the logs in a folder, log by log, as they lie in memory.
func linesOf(folder string) (values [][]byte, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimRight(line, "\r\n"); len(line) >= shortest {
				values = append(values, line)
			}
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("there are no lines in %s", filepath.Join(folder, "*.log"))
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
		return fmt.Sprintf("INFO dfs.DataNode$PacketResponder: Received block blk_%d of size %d "+
			"from /10.250.%d.%d", r.Int64(), 67108864, r.IntN(256), r.IntN(256))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("sshd[%d]: Failed password for invalid user admin from 173.234.%d.%d "+
			"port %d ssh2", 20000+r.IntN(9000), r.IntN(256), r.IntN(256), 1024+r.IntN(60000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("[error] [client 192.168.%d.%d] File does not exist: "+
			"/var/www/html/%s/index.php", r.IntN(256), r.IntN(256), words[r.IntN(len(words))])
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("{\"level\":\"info\",\"msg\":\"request "+
			"served\",\"path\":\"/api/v2/%s/%d\",\"status\":200,\"took_ms\":%.3f,\"trace\":\"%016x\"}", words[r.IntN(len(words))], r.IntN(100000), r.ExpFloat64()*20, r.Uint64())
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("WARN [QuorumPeer[myid=%d]/0:0:0:0:0:0:0:0:2181:Learner@%d] - "+
			"Revalidating client: 0x%x", 1+r.IntN(3), 100+r.IntN(900), r.Uint64())
	},
}

var words = []string{"orders", "users", "sessions", "payments", "search", "catalogue", "cart",
	"events", "devices", "metrics"}

// line returns one line, without its end.
func line(r *rand.Rand) []byte {
	at := fmt.Sprintf("2026-03-%02d %02d:%02d:%02d,%03d ", 1+r.IntN(28), r.IntN(24), r.IntN(60),
		r.IntN(60), r.IntN(1000))
	return []byte(at + templates[r.IntN(len(templates))](r))
}
