//go:build unix

package kafkatest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPort_IsHeldForABrokerThatIsDown(t *testing.T) {
	ports, err := pickPorts(2)
	require.NoError(t, err)
	p := ports[0]
	defer p.release()
	defer ports[1].release()
	require.NotEqual(t, p.number, ports[1].number)
	dir := filepath.Join(os.TempDir(), "kafkatest-ports")

	_, err = net.Listen("tcp", p.addr())
	require.Error(t, err, "no other program may take the port before the broker does")
	p.free()
	listener, err := net.Listen("tcp", p.addr())
	require.NoError(t, err, "the broker must get it")
	require.NoError(t, listener.Close())
	require.Nil(t, holdPort(dir, p.number), "no other cluster may take it while the broker is down")

	p.release()
	p.release() // twice is harmless
	again := holdPort(dir, p.number)
	require.NotNil(t, again)
	again.release()
}
