package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pkg is what go list says about a package, or about a package with its tests.
type pkg struct {
	Dir        string
	ImportPath string
	Name       string
	GoFiles    []string
	ImportMap  map[string]string // from an import to the package that it means here
	DepOnly    bool              // it is only needed by others
	Module     *struct{ GoVersion string }
}

// platform is a system and a processor, and the packages that were checked for them.
type platform struct {
	env   []string
	sizes types.Sizes
	files *token.FileSet
	done  map[string]*types.Package // by the import path of pkg
}

func newPlatform(system, processor string) *platform {
	return &platform{
		env: append(os.Environ(), "GOOS="+system, "GOARCH="+processor,
			"CGO_ENABLED=0"),
		sizes: types.SizesFor("gc", processor),
		files: token.NewFileSet(),
		done:  map[string]*types.Package{"unsafe": types.Unsafe},
	}
}

// list returns packages, their tests and all that they need, each after what it needs itself.
func (p *platform) list(tags string, packages []string) (all []*pkg, err error) {
	if p.sizes == nil {
		return nil, errors.New("there is no such processor")
	}
	cmd := exec.Command("go", append([]string{"list", "-deps", "-test", "-tags", tags,
		"-json=Dir,ImportPath,Name,GoFiles,ImportMap,DepOnly,Module"}, packages...)...)
	cmd.Env = p.env
	var mistakes bytes.Buffer
	cmd.Stderr = &mistakes
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &mistakes)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		one := new(pkg)
		switch err := decoder.Decode(one); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case one.ImportPath != "unsafe" && !strings.HasSuffix(one.ImportPath, ".test"):
			all = append(all, one) // the main package of a test is generated
		}
	}
}

// check checks one package. What it imports was checked before. The bodies of functions count only
// in the packages that were asked for.
func (p *platform) check(of *pkg) error {
	var parsed []*ast.File
	for _, name := range of.GoFiles {
		file, err := parser.ParseFile(p.files, filepath.Join(of.Dir, name), nil,
			parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, file)
	}
	var errs []error
	conf := types.Config{
		Importer:         imports{p.done, of.ImportMap},
		Sizes:            p.sizes,
		IgnoreFuncBodies: of.DepOnly,
		Error:            func(err error) { errs = append(errs, err) },
	}
	if of.Module != nil && of.Module.GoVersion != "" {
		conf.GoVersion = "go" + of.Module.GoVersion
	}
	path, _, _ := strings.Cut(of.ImportPath, " ") // "a/b [a/b.test]" is a/b with its tests
	checked, err := conf.Check(path, p.files, parsed, nil)
	p.done[of.ImportPath] = checked
	if len(errs) == 0 {
		return err
	}
	return errors.Join(errs...)
}

// imports finds the packages that one imports.
type imports struct {
	done map[string]*types.Package
	as   map[string]string
}

// Import returns the package that path means.
func (i imports) Import(path string) (*types.Package, error) {
	if as, ok := i.as[path]; ok {
		path = as
	}
	if found := i.done[path]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("package %s was not listed", path)
}
