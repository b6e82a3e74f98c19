// Package mutants answers one question: would the tests notice if the library were broken?
//
// Each mutant is one small change that breaks a promise, such as a retry with new numbers, and the
// test that must notice it. Its test compiles that test's package with the change, by go's
// -overlay, and runs the test, which must fail, and must say what it is expected to say. Without
// the change the same test must pass, and the text that is changed must be in its file exactly
// once, so that no mutant rots unseen.
//
//	make mutants            # all of them
//	go test -tags mutants -run 'TestMutants_EachIsCaught/group/a_report_is_lost' ./test/mutants
//	go test -tags mutants ./test/mutants -rounds 20 # each twenty times
package mutants
