package buffer

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIndex_FindsEveryTopicWhileOthersAreAdded_ConcurrentSafe(t *testing.T) {
	var index Index
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint(g, "/", i)
				topic := &Topic{name: name}
				index.Put(topic)
				for range 3 {
					require.Same(t, topic, index.Get(name))
				}
				if i%2 == 0 {
					index.Delete(topic)
					require.Nil(t, index.Get(name))
				}
			}
		})
	}
	wg.Wait()
	for g := range 4 {
		require.NotNil(t, index.Get(fmt.Sprint(g, "/", 499)))
		require.Nil(t, index.Get(fmt.Sprint(g, "/", 498)))
	}
}
