package report

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// tab is a page in headless Chromium, with its errors and requests.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // of the console: errors, refusals by the content security policy, dialogs
	requests []string
}

// chromium starts the browser with an empty profile.
func chromium(t *testing.T) context.Context {
	t.Helper()
	need.Programs(t, "chromium")
	need.Alone(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(options...))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// open opens a report in a new tab of the given width.
func open(browser context.Context, t *testing.T, report, fragment string, width int64, prepare ...chromedp.Action[chromedp.Void]) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	b.must(err)
	b.do(append(prepare, chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+file+fragment))...)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.messages) > 0 {
			t.Errorf("the browser reports %q", b.messages)
		}
		for _, address := range b.requests {
			if !strings.HasPrefix(address, "file://"+file) {
				t.Errorf("the page requested %s", address)
			}
		}
	})
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, "console "+string(e.Type))
	case *runtime.EventExceptionThrown:
		b.messages = append(b.messages, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.messages = append(b.messages, e.Entry.Text)
	case *cdpage.EventJavascriptDialogOpening:
		b.messages = append(b.messages, "dialog "+e.Message)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, actions...))
}

// eval returns the value of an expression as JSON.
func (b *tab) eval(expression string) string {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	text, err := json.Marshal(out)
	b.must(err)
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

// want waits until an expression has a value: the page may react to an event with a delay.
func (b *tab) want(expression, want string) {
	b.t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = b.eval(expression); got == want {
			return
		}
	}
	b.t.Errorf("%s is %s, want %s", expression, got, want)
}

// slash presses the key as a keyboard does: one event with its text, which the page may cancel.
// chromedp sends the text in a separate event, which goes to the element that has the focus by
// then.
func (b *tab) slash() {
	b.t.Helper()
	key := input.DispatchKeyEventParams{Type: "keyDown", Key: "/", Code: "Slash", Text: "/", UnmodifiedText: "/", WindowsVirtualKeyCode: 191}
	_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, key)
	b.must(err)
	key = input.DispatchKeyEventParams{Type: "keyUp", Key: "/", Code: "Slash", WindowsVirtualKeyCode: 191}
	_, err = chromedp.Call(b.ctx, input.DispatchKeyEvent, key)
	b.must(err)
}

// shot stores a picture of the page in the directory $VIRT_AUDIT_SHOTS, if it is set.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("VIRT_AUDIT_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.must(err)
	b.must(os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
}

// listed is an expression for the names of the visible guests.
const listed = `[...document.querySelectorAll(".name")].filter(e => e.checkVisibility()).map(e => e.textContent).join(" ")`

const outside = `"arm-board build-tcg old-dos shadow"`

// TestHTMLBrowser operates the page of the fleet.
func TestHTMLBrowser(t *testing.T) {
	browser := chromium(t)
	fleetPage := render(t, "html", options(), fleet(t), nil, nil)
	all := ""

	t.Run("filter", func(t *testing.T) {
		b := open(browser, t, fleetPage, "", 1280)
		b.want(`document.querySelector("h1").textContent`, `"4 of 17 guests are outside QEMU’s security boundary"`)
		if all = b.eval(listed); len(strings.Fields(all)) != 17 {
			t.Fatalf("listed are %s", all)
		}
		b.shot("light")
		tile := func(kind, word string) string { return `button.tile[data-` + kind + `="` + word + `"]` }
		b.do(chromedp.Click(tile("verdict", "outside")))
		b.want(listed, outside)
		b.want(`document.querySelector("#shown").textContent`, `"4 of 17 guests match, the worst first"`)
		b.want(`document.querySelectorAll('[aria-pressed="true"]').length`, "1")
		b.want(`location.hash`, `"#verdict=outside"`)
		b.do(chromedp.Click(tile("verdict", "undetermined")))
		b.want(listed, `"arm-board build-tcg old-dos shadow arm32-legacy"`)
		b.do(chromedp.Click(tile("severity", "medium")))
		b.want(listed, `"old-dos arm32-legacy"`)
		b.eval(`(e => { e.value = "cpu"; e.dispatchEvent(new Event("change")) })(document.querySelector("#rule"))`)
		b.want(listed, `"old-dos"`)
		b.want(`location.hash`, `"#verdict=outside,undetermined&severity=medium&rule=cpu"`)
		b.do(chromedp.Click("#reset"))
		b.want(listed, all)
		b.want(`location.hash`, `""`)
	})

	t.Run("search", func(t *testing.T) {
		b := open(browser, t, fleetPage, "", 1280)
		b.slash() // moves the focus to the field
		b.want(`document.activeElement.id`, `"q"`)
		b.want(`document.activeElement.value`, `""`)
		b.do(chromedp.KeyEvent("ISAPC outside i686"))
		b.want(listed, `"old-dos"`)
		b.do(chromedp.SendKeys("#q", " nowhere"))
		b.want(listed, `""`)
		b.want(`document.querySelector("#shown").textContent`, `"0 of 17 guests match, the worst first"`)
	})

	t.Run("fragment", func(t *testing.T) {
		b := open(browser, t, fleetPage, "#severity=high,bogus&q=QEMU%27s+security&rule=none-such&sort=-name", 1280)
		b.want(listed, `"shadow old-dos build-tcg arm-board"`)
		b.want(`document.querySelector("#q").value`, `"QEMU's security"`)
		b.eval(`location.hash = "severity=low"`)
		b.want(listed, `"shadow template"`)
	})

	t.Run("sort", func(t *testing.T) {
		b := open(browser, t, fleetPage, "", 1280)
		names := strings.Fields(strings.Trim(all, `"`))
		slices.Sort(names)
		b.do(chromedp.Click(`th[data-sort="name"] button`))
		b.want(listed, `"`+strings.Join(names, " ")+`"`)
		b.want(`document.querySelector('[data-sort="name"]').getAttribute("aria-sort")`, `"ascending"`)
		b.do(chromedp.Click(`th[data-sort="name"] button`))
		slices.Reverse(names)
		b.want(listed, `"`+strings.Join(names, " ")+`"`)
		b.do(chromedp.Click(`th[data-sort="name"] button`)) // back to the order of virt-audit
		b.want(listed, all)
		b.do(chromedp.Click(`th[data-sort="medium"] button`))
		b.want(listed+`.split(" ").slice(0, 4).join(" ")`, `"old-dos arm32-legacy arm-board build-tcg"`)
		b.want(`document.querySelectorAll("[aria-sort]").length`, "1")
	})

	t.Run("expand", func(t *testing.T) {
		b := open(browser, t, fleetPage, "#q=old-dos", 1280)
		const visible = `[...document.querySelectorAll(".message")].filter(e => e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true})).length`
		b.want(visible, "0")
		b.do(chromedp.Focus(`.guest:not(.off) .more summary`), chromedp.KeyEvent(kb.Enter))
		b.want(visible, "3")
		b.want(`document.querySelector(".guest:not(.off) .command .line").textContent`, `"virt-audit fix -c qemu:///system old-dos --rule cpu-model-baseline --unsafe"`)
		b.want(`document.querySelector(".guest:not(.off) .why p").textContent`, `"QEMU treats an escape from this machine type as an ordinary bug, with KVM too: such boards model legacy or embedded hardware, and their devices have not been reviewed against a hostile guest."`)
		b.want(`document.querySelector(".guest:not(.off) mark").textContent`, `"machine='isapc'"`)
		b.want(`getComputedStyle(document.querySelector(".guest:not(.off) mark")).textDecorationLine`, `"underline"`)
		b.want(`[...document.querySelectorAll("main a[href^=http]")].every(a => a.rel.includes("noreferrer"))`, "true")
		b.do(chromedp.Click(`.guest:not(.off) .copy`))
		b.want(`document.querySelector("#status").textContent`, `"Copied"`)
		b.want(`document.querySelector(".guest:not(.off) .copy").textContent`, `"Copy"`)
		b.do(chromedp.Click(`button.tile[data-severity="medium"]`)) // the other findings are folded
		b.want(visible, "1")
		b.do(chromedp.Click(`.guest:not(.off) .name`)) // the row opens and closes as well
		b.want(visible, "0")
		b.do(chromedp.Click("#reset"), chromedp.Click("#open"))
		b.want(visible, "14")
		b.shot("expanded")
	})

	t.Run("theme", func(t *testing.T) {
		media := func(value string) chromedp.Action[chromedp.Void] {
			return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}})
				return err
			})
		}
		const paper = `getComputedStyle(document.body).backgroundColor`
		b := open(browser, t, fleetPage, "", 1280, media("dark"))
		const black, white = `"rgb(17, 21, 27)"`, `"rgb(244, 246, 248)"`
		b.want(paper, black)
		b.shot("dark")
		b.do(chromedp.Click("#theme"))
		b.want(paper, white)
		b.do(chromedp.Reload())
		b.want(paper, white) // it is remembered
		b.do(chromedp.Click("#theme"), media("light"))
		b.want(paper, black)
	})

	t.Run("narrow", func(t *testing.T) {
		for _, width := range []int64{320, 400, 800} {
			b := open(browser, t, fleetPage, "#q=old-dos", width)
			b.do(chromedp.Click("#open"))
			b.want(`document.querySelectorAll(".guest:not(.off) .advice").length`, "3")
			b.want(`document.documentElement.scrollWidth`, strconv.FormatInt(width, 10))
			b.shot(strconv.FormatInt(width, 10))
		}
	})

	t.Run("names", func(t *testing.T) {
		b := open(browser, t, fleetPage, "", 1280)
		tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		b.must(err)
		roles := map[string]int{}
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil {
				continue
			}
			role := strings.Trim(string(n.Role.Value), `"`)
			roles[role]++
			named := n.Name != nil && strings.Trim(string(n.Name.Value), `" `) != ""
			if !named && slices.Contains([]string{"button", "searchbox", "combobox", "link", "table", "columnheader", "rowheader", "DisclosureTriangle"}, role) {
				t.Errorf("a %s has no name", role)
			}
		}
		if roles["columnheader"] != 7 || roles["rowheader"] != 17 || roles["table"] != 1 || roles["searchbox"] != 1 {
			t.Errorf("the page has other roles than it should: %v", roles)
		}
	})

	t.Run("without script", func(t *testing.T) {
		b := open(browser, t, packed(t, fleet(t)), "", 1280, scripts(false))
		b.do(scripts(true)) // for the expressions of this test; the page has been parsed
		b.want(listed, all)
		b.want(`document.querySelectorAll("noscript .message").length`, "14")
		b.want(`document.querySelectorAll("button:not([hidden], [hidden] *)").length`, "0")
		b.shot("noscript")
	})

	t.Run("packed", func(t *testing.T) {
		b := open(browser, t, packed(t, fleet(t)), "#q=QEMU%27s+security+isapc+i686", 1280)
		b.want(listed, `"old-dos"`)
		b.want(`document.querySelectorAll(".message").length`, "0")
		b.do(chromedp.Click("#open"))
		b.want(`document.querySelectorAll(".message").length`, "3")
		b.want(`document.querySelectorAll(".guest .advice").length`, "3")
	})
}

func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// TestHTMLBrowserHostile opens all parts of a page of hostile guests. No script of a name may run,
// and no address may be requested.
func TestHTMLBrowserHostile(t *testing.T) {
	browser := chromium(t)
	o := options()
	o.ShowWaived = true
	for name, report := range map[string]string{
		"plain":  render(t, "html", o, everything(hostile(t)), notices(), problems()),
		"packed": packed(t, hostile(t)),
	} {
		t.Run(name, func(t *testing.T) {
			b := open(browser, t, report, "", 400)
			b.do(chromedp.Click("#open"))
			// A guest is unpacked when the browser reports that it was opened, which is later.
			b.want(`document.querySelectorAll(".guest details > noscript").length`, "0")
			b.want(`document.querySelectorAll(".guest details:not([open])").length - document.querySelectorAll(".rest:not([open])").length + document.querySelectorAll("article .rest").length`, "0")
			b.want(`document.querySelectorAll("script").length + document.querySelectorAll("img, iframe, svg, form:not(#filter)").length`, "1")
			b.want(`document.documentElement.scrollWidth`, "400")
			b.want(`[...document.querySelectorAll(".guest .command")].filter(e => !e.querySelector(".copy")).length`, "0")
			b.want(`document.querySelectorAll(".guest .advice .fix, .guest .line var").length`, "0")
			b.want(`document.querySelectorAll(".guest .own .lines").length > 100`, "true")
		})
	}

	// Even an injected script would be refused by the content security policy.
	t.Run("policy", func(t *testing.T) {
		b := open(browser, t, packed(t, hostile(t)), "", 1280)
		b.eval(`(() => {
			window.ran = 0
			const s = document.createElement("script"); s.textContent = "window.ran++"; document.body.append(s)
			const i = document.createElement("div"); i.innerHTML = "<img src='data:,x' onerror='window.ran++'><style>body { display: none }</style>"; document.body.append(i)
		})()`)
		b.want(`window.ran`, "0")
		b.want(`getComputedStyle(document.body).display`, `"block"`)
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, directive := range []string{"script-src", "style-src", "default-src"} {
			if !slices.ContainsFunc(b.messages, func(s string) bool { return strings.Contains(s, directive) }) {
				t.Errorf("%s refused nothing: %q", directive, b.messages)
			}
		}
		b.messages, b.requests = nil, nil
	})
}

// packed is a page whose findings are in <noscript>.
func packed(t *testing.T, results []*audit.Result) string {
	t.Helper()
	var out strings.Builder
	h := newHTML(&out, options()).(*htmlReporter)
	h.plain = 0
	for _, r := range results {
		if err := h.Domain(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
