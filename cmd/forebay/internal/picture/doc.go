// Package picture answers "what does a plan look like?" It draws a plan of package fleet as SVG
// files: how requests and processor time depend on the linger, connections on max_brokers, and
// memory on the length of an outage; and what was played of a fleet, by time.
//
// gonum/plot draws them, as it draws the charts of the bench.
package picture
