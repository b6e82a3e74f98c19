// Package page serves pages for people, and answers for programs, over HTTP: those of packages
// health and audit/watch. It has what their pages share: the look, and the helpers that show data.
//
// A handler answers only GET and HEAD, and only on its own paths. It ignores queries, headers and
// bodies, and repeats nothing from a request in an answer. Its pages load nothing from other hosts.
package page
