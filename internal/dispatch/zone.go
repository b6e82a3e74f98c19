package dispatch

import "time"

// judge notes which partitions are well, for what may go to any of them.
func (ts *topicState) judge(rack string, zones, kept int, now time.Duration) {
	ts.anyApace, ts.rack = false, ""
	near := 0
	for _, st := range ts.parts {
		if st.pace == apace && st.leader != nil && st.leader.usable {
			ts.anyApace = true
			if st.leader.rack == rack {
				near++
			}
		}
	}
	if rack != "" && KeepToZone(near, len(ts.parts), zones) {
		ts.rack = rack
	}
	reach := ts.reachFor(kept, now)
	if ts.reach == everywhere && reach < everywhere {
		ts.narrowed = now
	}
	ts.reach = reach
}

// KeepToZone reports whether batches without keys should keep to the partitions whose leaders are
// in the zone of the program: near is how many of these can be written to, of partitions in all,
// spread over zones. That is so while the zone has at least half of its fair share. With less, all
// programs of the zone would meet at the few leaders that are left to it.
func KeepToZone(near, partitions, zones int) bool {
	return near > 0 && 2*near*zones >= partitions
}
