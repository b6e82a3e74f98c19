package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
	"github.com/mattn/go-isatty"
)

// display is where progress and messages go. It is safe for concurrent use.
type display interface {
	every() time.Duration // how often to call show; zero means never
	show(status)          // replaces the status on a terminal
	say(text string)      // prints a line that stays
	end()                 // removes the status; say may follow, show may not
}

// newDisplay returns a live line if out is a terminal, else plain lines. While somebody types the
// input the lines are plain too: a live line would overwrite it.
func newDisplay(out io.Writer, typed, quiet bool) display {
	switch {
	case quiet:
		return &plainDisplay{out: out}
	case isTerminal(out) && !typed:
		return newLiveDisplay(out)
	default:
		return &plainDisplay{out: out, interval: 5 * time.Second}
	}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// plainDisplay prints each status as a line, for logs.
type plainDisplay struct {
	interval time.Duration
	mu       sync.Mutex // held while writing to out
	out      io.Writer
}

func (d *plainDisplay) every() time.Duration { return d.interval }
func (d *plainDisplay) end()                 {}

func (d *plainDisplay) show(s status) {
	text := s.String()
	if !math.IsNaN(s.read) {
		text = fmt.Sprintf("%.0f%% read, %s", 100*s.read, text)
	}
	d.say(text)
}

func (d *plainDisplay) say(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintln(d.out, text)
}

// liveDisplay updates one line of a terminal, with a bar if the size of the input is known.
//
// cheggaaa/pb draws it. It is maintained (a release every few months) and cuts the line to the
// width of the terminal; schollz/progressbar wraps long lines. It draws when it is called;
// vbauerster/mpb needs a goroutine and a container of bars.
type liveDisplay struct {
	mu  sync.Mutex // guards what follows; held while writing to out
	out io.Writer
	bar *pb.ProgressBar
	up  bool // whether the line is on the screen
}

func newLiveDisplay(out io.Writer) *liveDisplay {
	bar := pb.New64(0).SetWriter(out).Set(pb.Static, true).
		Set(pb.Terminal, true).Set(pb.ReturnSymbol, "\r")
	if bar.Width() < 20 { // a terminal of unknown width reports 0
		bar.SetWidth(80)
	}
	return &liveDisplay{out: out, bar: bar.Start()}
}

func (d *liveDisplay) every() time.Duration { return 200 * time.Millisecond }

func (d *liveDisplay) show(s status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := s.String()
	if math.IsNaN(s.read) {
		d.bar.SetTemplateString(`{{string . "status"}}`)
		text = pb.StripString(text, d.bar.Width()) // without a bar, pb does not cut it
	} else {
		d.bar.SetTemplateString(`{{percent . "%3.0f%%"}} {{string . "status"}} ` +
			`{{bar . "[" "=" ">" " " "]"}}`)
		d.bar.SetTotal(1000).SetCurrent(int64(1000 * s.read))
	}
	d.bar.Set("status", text).Write()
	d.up = true
}

func (d *liveDisplay) say(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipeLocked()
	fmt.Fprintln(d.out, text)
}

func (d *liveDisplay) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipeLocked()
}

func (d *liveDisplay) wipeLocked() {
	if d.up {
		fmt.Fprint(d.out, "\r\x1b[K")
		d.up = false
	}
}
