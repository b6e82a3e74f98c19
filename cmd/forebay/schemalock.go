package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/event/registry"
)

const schemaLockLong = `Write the lock file: the IDs that the registry has given to schemas. Check
it in, and give it to package event/registry: the program then needs no registry to run. The command
looks up only, so run "forebay schema register" first. The file is always the same for the same IDs.

With --schemas the lock file has the schemas of that file and no others. With --subject the schemas
of that subject are replaced, and others stay.

With --check nothing is written. The command says how the lock file differs from what it would
write. Without a registry it then compares the schemas only, and not the IDs. A schema that is not
registered yet makes it fail, so run it before a release, not on a pull request.
` + schemaInput + `
Exit codes:
  0  the lock file is written, or up to date
  1  some schema is not registered, the registry gave no answer, or the lock file is out of date
  2  the command line is wrong, or a file of it`

func newSchemaLock() *cobra.Command {
	var l locking
	cmd := &cobra.Command{
		Use:   "lock [flags] {--schemas file | --subject name file}",
		Short: "Write the IDs of schemas to a lock file",
		Long:  schemaLockLong,
		Example: "  forebay schema lock --registry https://registry:8081 --schemas schemas.yaml\n" +
			"  forebay schema lock --check --schemas schemas.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			schemas, err := l.flags.read(cmd, args)
			if err != nil {
				return err
			}
			return l.run(cmd.Context(), cmd.OutOrStdout(), schemas)
		},
	}
	l.flags.register(cmd.Flags())
	cmd.Flags().StringVar(&l.path, "lock", "schemas.lock", "the lock `file`")
	cmd.Flags().BoolVar(&l.check, "check", false,
		"write nothing; fail if the lock file is out of date")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// locking is a run of schema lock.
type locking struct {
	flags schemaFlags
	path  string
	check bool
}

func (l *locking) run(ctx context.Context, out io.Writer, schemas []namedSchema) error {
	before, err := readLockFile(l.path)
	if err != nil {
		return err
	}
	after, err := l.rest(before, schemas)
	if err != nil {
		return err
	}
	if l.check && len(l.flags.address()) == 0 {
		return l.compare(out, before, after, schemas)
	}
	err = l.flags.eachSchema(ctx, out, schemas, func(ctx context.Context, r *registry.Registry,
		s namedSchema) (admin.Level, string) {
		return lockSchema(ctx, r, s, after)
	})
	if err != nil {
		return err
	}
	if l.check {
		return l.compare(out, before, after, nil)
	}
	if string(before.Bytes()) == string(after.Bytes()) {
		fmt.Fprintf(out, "\n%s is up to date\n", l.path)
		return nil
	}
	if err := os.WriteFile(l.path, after.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s written\n", l.path)
	return nil
}

// readLockFile returns the lock file, empty if there is none.
func readLockFile(path string) (*registry.Lock, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return new(registry.Lock), nil
	}
	if err != nil {
		return nil, fmt.Errorf("--lock: %w", err)
	}
	lock, err := registry.ReadLock(content)
	if err != nil {
		return nil, fmt.Errorf("--lock: %s: %w, or remove it", path, err)
	}
	return lock, nil
}

// rest returns what stays in the lock file of schemas that are not looked up.
func (l *locking) rest(before *registry.Lock, schemas []namedSchema) (*registry.Lock, error) {
	after := new(registry.Lock)
	for _, entry := range before.Schemas() {
		if l.flags.list != "" || entry.Subject == schemas[0].subject {
			continue
		}
		if err := after.Set(entry); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// lockSchema looks up the ID of a schema and puts it into lock.
func lockSchema(ctx context.Context, r *registry.Registry, s namedSchema,
	lock *registry.Lock) (admin.Level, string) {
	id, err := r.LookUp(ctx, s.subject, s.schema)
	if err == nil {
		err = lock.Set(registry.LockedSchema{Subject: s.subject, Fingerprint: s.fingerprint,
			ID: id})
	}
	switch {
	case errors.Is(err, registry.ErrNotRegistered):
		return admin.Wrong, fmt.Sprintf("%v: run forebay schema register", err)
	case err != nil:
		return admin.Wrong, err.Error()
	}
	return admin.OK, fmt.Sprintf("has the ID %d", id)
}

// compare prints how before differs from after. The schemas in unasked have no ID in after: that of
// before counts. The error is an exitError if there is a difference.
func (l *locking) compare(out io.Writer, before, after *registry.Lock,
	unasked []namedSchema) error {
	differs := 0
	say := func(format string, args ...any) {
		fmt.Fprintf(out, "wrong  "+format+"\n", args...)
		differs++
	}
	for _, s := range unasked {
		id, others := before.ID(s.subject, s.fingerprint)
		switch {
		case id == 0 && others:
			say("%s  %s has another schema of this subject", s.subject, l.path)
		case id == 0:
			say("%s  is not in %s", s.subject, l.path)
		default:
			_ = after.Set(registry.LockedSchema{Subject: s.subject, Fingerprint: s.fingerprint,
				ID: id}) // it was in a lock
		}
	}
	for _, entry := range after.Schemas() {
		switch id, _ := before.ID(entry.Subject, entry.Fingerprint); id {
		case entry.ID:
		case 0:
			say("%s  this schema, ID %d, is not in %s", entry.Subject, entry.ID, l.path)
		default:
			say("%s  has the ID %d in %s, and %d in the registry", entry.Subject, id, l.path,
				entry.ID)
		}
	}
	for _, entry := range before.Schemas() {
		if id, _ := after.ID(entry.Subject, entry.Fingerprint); id == 0 {
			say("%s  %s has a schema, ID %d, that is not listed", entry.Subject, l.path, entry.ID)
		}
	}
	if differs > 0 {
		fmt.Fprintf(out, "\n%s is out of date: run forebay schema lock\n", l.path)
		return exitError(exitFailed)
	}
	fmt.Fprintf(out, "\n%s is up to date\n", l.path)
	return nil
}
