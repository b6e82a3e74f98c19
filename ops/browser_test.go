package ops

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var pictures = flag.String("pictures", "", "the folder that pictures of the page are kept in")

// browser is a tab of a Chromium without a window.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex // guards what follows
	wrong    []string   // what the console has as an error or a warning
	requests []string
}

// newBrowser opens a tab. Where there is no Chromium the test is skipped.
func newBrowser(t *testing.T) *browser {
	var path string
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser",
		"google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium: install Debian's chromium, or name one in the variable CHROMIUM")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute) // of the whole browser
	t.Cleanup(cancel)
	ctx, closed := chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(closed)
	ctx, left := chromedp.NewContext(ctx)
	t.Cleanup(left)
	b := &browser{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	return b
}

// hear notes what the tab says about itself.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.wrong = append(b.wrong, fmt.Sprintf("console.%v", e.Type)) // the page says nothing there
	case *log.EventEntryAdded:
		b.wrong = append(b.wrong, fmt.Sprintf("%v: %s %s", e.Entry.Level, e.Entry.Text,
			e.Entry.URL))
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// eval returns what an expression comes to in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return value
}

// patience is for what the page must come to show, however slow the machine is.
const patience = time.Minute

// await waits until an expression is true in the page.
func (b *browser) await(expression string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for !eval[bool](b, expression) {
		if time.Now().After(deadline) {
			b.picture("failed")
			require.FailNow(b.t, "it does not come", "%s\nthe page says:\n%s", expression,
				eval[string](b, "document.body.innerText"))
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

// says waits until the text of an element has a part.
func (b *browser) says(selector, part string) {
	b.t.Helper()
	b.await(fmt.Sprintf("(document.querySelector(%q)?.textContent ?? '').includes(%q)",
		selector, part))
}

// size makes the tab so large, as a phone is if it is narrow.
func (b *browser) size(width, height int64) {
	var opts []chromedp.EmulateViewportOption
	if width < 600 {
		opts = append(opts, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.EmulateViewport(width, height, opts...))
}

func (b *browser) dark(on bool) {
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
}

// picture keeps a picture of the whole page.
func (b *browser) picture(name string) { b.keep(name, chromedp.FullScreenshot(100)) }

// view keeps a picture of what is seen without scrolling.
func (b *browser) view(name string) { b.keep(name, chromedp.CaptureScreenshot()) }

func (b *browser) keep(name string, take chromedp.Action[[]byte]) {
	png, err := chromedp.Run(b.ctx, take)
	require.NoError(b.t, err)
	dir := *pictures
	if dir == "" {
		dir = b.t.TempDir()
	}
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// fits fails the test where the page is wider than the tab.
func (b *browser) fits() {
	b.t.Helper()
	wide := eval[string](b, `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? '' :
		[...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '#' + e.id + '.' + e.className).join(' ')`)
	require.Empty(b.t, wide, "wider than the tab")
}

// clean fails the test where the console has something, or something was asked for elsewhere than
// at origin.
func (b *browser) clean(origin string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.wrong)
	require.NotEmpty(b.t, b.requests)
	for _, url := range b.requests {
		require.True(b.t, strings.HasPrefix(url, origin), url)
	}
}
