package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/cmd/forebay/internal/loadtest"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
)

// auditFile is a file for audit: settings of a producer, and a section of its own.
type auditFile struct {
	settings producer.Config   // with all defaults
	audit    audit.AgentConfig // what stands under "audit:"
	load     loadtest.Config   // what stands under "audit.load:"
	listen   string            // address of the pages; empty: none
}

// auditSection is the section of a file for audit. A file may have what run and load need.
type auditSection struct {
	Audit auditFields `yaml:"audit"`
}

// auditFields is what stands under "audit:".
type auditFields struct {
	audit.AgentConfig `yaml:",inline"`

	// Listen is the address of the pages and the metrics, such as "127.0.0.1:9090". The default is
	// none.
	Listen string `yaml:"listen"`

	Load loadtest.Config `yaml:"load"`
}

// check returns every mistake of f in what run needs, in one error.
func (f *auditFields) check() error {
	return errors.Join(f.Check(), legalAddress("listen", f.Listen))
}

// legalAddress returns what is wrong with an address to listen on.
func legalAddress(setting, address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return fmt.Errorf("%s: %q: write an address and a port, such as 127.0.0.1:9090", setting,
			address)
	}
	return nil
}

// readAudit reads the file at path, and the environment. The error has every mistake.
func readAudit(path string) (*auditFile, error) {
	rest, own, err := readDivided(path)
	if err != nil {
		return nil, err
	}
	if own == nil {
		return nil, fmt.Errorf("%s: audit: not set: write what this instance is to do, such as "+
			"\"role: both\"", path)
	}
	var f auditFile
	var wrong []error
	f.settings, err = settingsOf(path, rest)
	if err != nil {
		wrong = append(wrong, err)
	}
	doc, mistakes := decodeSection(path, own)
	if len(mistakes) > 0 {
		wrong = append(wrong, mistakes...)
	} else if err := doc.Audit.check(); err != nil {
		wrong = append(wrong, under(path, "audit", err)...)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	f.audit, f.listen = doc.Audit.AgentConfig, doc.Audit.Listen
	return &f, f.choose(path)
}

// decodeSection reads the section "audit", and returns what is wrong with its form.
func decodeSection(path string, own []byte) (doc auditSection, wrong []error) {
	decoder := yaml.NewDecoder(bytes.NewReader(own))
	decoder.KnownFields(true)
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return doc, sectionMistakes(path, err)
	}
	return doc, nil
}

// readLoad reads the file at path, and the environment, for audit load. cluster goes before that of
// the file unless it is empty, and change sets what flags set. A section "audit" need not be there
// if flags say enough. The error has every mistake.
func readLoad(path, cluster string, change func(*loadtest.Config)) (*auditFile, error) {
	rest, own, err := readDivided(path)
	if err != nil {
		return nil, err
	}
	var f auditFile
	var wrong []error
	if f.settings, err = settingsOf(path, rest); err != nil {
		wrong = append(wrong, err)
	}
	doc, mistakes := decodeSection(path, own)
	wrong = append(wrong, mistakes...)
	f.audit, f.load = doc.Audit.AgentConfig, doc.Audit.Load
	change(&f.load)
	if len(mistakes) == 0 {
		if err := f.load.Complete(); err != nil {
			wrong = append(wrong, under(path, "audit.load", err)...)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	f.audit.Role = audit.Both // a topic's cluster has to be known
	f.audit.Cluster = cmp.Or(cluster, f.audit.Cluster)
	return &f, f.choose(path)
}

// readClusters returns the settings of the file at path and of the environment, with all defaults.
// A section "audit" may be there, and is not read. The error has every mistake.
func readClusters(path string) (producer.Config, error) {
	rest, _, err := readDivided(path)
	if err != nil {
		return producer.Config{}, err
	}
	return settingsOf(path, rest)
}

// readDivided reads the file at path, and divides it.
func readDivided(path string) (rest, own []byte, err error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, nil, err
	}
	if rest, own, err = divide(text); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return rest, own, nil
}

// settingsOf returns the settings in text, which is that of the file at path, and in the
// environment, with all defaults.
func settingsOf(path string, text []byte) (producer.Config, error) {
	cfg, _, err := config.Parse(path, text, config.WithEnviron(environ()...))
	if err != nil {
		return cfg, errors.New(strings.TrimPrefix(err.Error(), "forebay: wrong configuration:\n"))
	}
	return cfg.Complete()
}

// unknownField is how yaml says that a field is not among those of a struct.
var unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)

// wrongType is how yaml says that a value does not fit its field. It names no value for a list or
// a mapping.
var wrongType = regexp.MustCompile(`^cannot construct !!\S+ ?(.*?) ?into (\S+)$`)

// wanted returns what to write for a value of a Go type.
func wanted(goType string) string {
	switch goType {
	case "time.Duration":
		return "a time such as 5s or 10m"
	case "int", "int32", "int64", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "[]float64":
		return "a list of numbers, such as [1000, 2000]"
	case "[]time.Duration":
		return "a list of times, such as [10ms, 500ms]"
	case "[]int":
		return "a list of whole numbers, such as [4711]"
	case "string", "audit.Role", "loadtest.Mode":
		return "a text"
	case "[]string":
		return "a list, such as [audited]"
	case "[]audit.Load":
		return "a list, such as [{topic: audited, records_per_second: 1000}]"
	}
	return "settings, such as {name: value}"
}

// sectionMistakes returns what yaml found wrong with the section, a line each.
func sectionMistakes(path string, err error) (wrong []error) {
	all, ok := errors.AsType[*yaml.LoadErrors](err)
	if !ok {
		return []error{fmt.Errorf("%s: %w", path, err)}
	}
	for _, one := range all.Errors {
		text := unknownField.ReplaceAllString(one.Message, "$1: unknown setting")
		if m := wrongType.FindStringSubmatch(text); m != nil {
			text = "write " + wanted(m[2])
			if m[1] != "" {
				text = fmt.Sprintf("%q: %s", strings.Trim(m[1], "`"), text)
			}
		}
		wrong = append(wrong, fmt.Errorf("%s:%d: audit: %s", path, one.Mark.Line, text))
	}
	return wrong
}

// under returns the mistakes of a section, a line each.
func under(path, section string, err error) (wrong []error) {
	for line := range strings.Lines(err.Error()) {
		wrong = append(wrong, fmt.Errorf("%s: %s.%s", path, section, strings.TrimSpace(line)))
	}
	return wrong
}

// choose finds the cluster with the topics to read.
func (f *auditFile) choose(path string) error {
	names := slices.Sorted(maps.Keys(f.settings.Clusters))
	switch name := f.audit.Cluster; {
	case name == "" && len(names) == 1:
		f.audit.Cluster = names[0]
	case name == "" && f.audit.Role != audit.Produce:
		return fmt.Errorf("%s: audit.cluster: not set: name the cluster with the topics to read: "+
			"%s", path, strings.Join(names, " or "))
	case name != "" && !slices.Contains(names, name):
		return fmt.Errorf("%s: audit.cluster: %q is not among the clusters: write %s", path, name,
			strings.Join(names, " or "))
	}
	return nil
}

// clusters returns how to reach the topics and the statements.
func (f *auditFile) clusters() audit.Clusters {
	return audit.Clusters{Topics: admin.Options(f.settings, f.audit.Cluster),
		Statements: admin.Options(f.settings, f.settings.Priorities.Low.Cluster)}
}

// statementTopic returns the name of the statement topic.
func (f *auditFile) statementTopic() string {
	return cmp.Or(f.audit.StatementTopic, audit.StatementTopic)
}

// divide returns the text of a file without its section "audit", and that section alone: nil if
// there is none. Lines of the other part are empty in each, so that mistakes keep their lines.
func divide(text []byte) (rest, own []byte, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil, errors.New("empty: write settings, such as \"clusters:\"")
	}
	if doc.Content[0].Kind != yaml.MappingNode ||
		doc.Content[0].Style&yaml.FlowStyle != 0 {
		return nil, nil, errors.New("write each section on lines of its own, such as " +
			"\"clusters:\" and \"audit:\", without braces around the whole")
	}
	pairs := doc.Content[0].Content
	from, upto := 0, 0 // lines, from 1
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].Value == "audit" {
			if from > 0 {
				return nil, nil, fmt.Errorf("audit: already set in line %d, and again in line %d: "+
					"keep one of them", from, pairs[i].Line)
			}
			from, upto = pairs[i].Line, 1<<30
		} else if from > 0 && pairs[i].Line > from {
			upto = min(upto, pairs[i].Line)
		}
	}
	if from == 0 {
		return text, nil, nil
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		keep, blank := &rest, &own
		if n >= from && n < upto {
			keep, blank = blank, keep
		}
		*keep = append(*keep, line...)
		*blank = append(*blank, '\n')
	}
	return rest, own, nil
}
