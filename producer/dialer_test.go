package producer_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

// A dialer of the application's that is broken does not end the program.
func TestWithDialer_MayPanicOrReturnNothing(t *testing.T) {
	resolver := producer.WithResolver(func(context.Context, string) ([]string, error) {
		return []string{"10.0.0.1"}, nil
	})
	for says, broken := range map[string]func() (net.Conn, error){
		"the dialer panicked: no network today": func() (net.Conn, error) {
			panic("no network today")
		},
		"the dialer returned neither a connection nor an error": func() (net.Conn, error) {
			return nil, nil //nolint:nilnil // the mistake that this is about
		},
	} {
		for name, more := range map[string]producer.Option{"names": nil, "addresses": resolver} {
			t.Run(name+": "+says, func(t *testing.T) {
				called := make(chan struct{}, 1)
				dialer := producer.WithDialer(
					func(context.Context, string, string) (net.Conn, error) {
						select {
						case called <- struct{}{}:
						default:
						}
						return broken()
					})
				p, err := producer.New(to("kafka:9092"), dialer, more)
				require.NoError(t, err)
				require.NoError(t, p.Send(producer.Record{Topic: "plays"}))
				<-called
				require.ErrorContains(t, p.Preflight(t.Context()).Err(), says)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				_, err = p.Close(ctx)
				require.ErrorIs(t, err, producer.ErrLeft)
			})
		}
	}
}
