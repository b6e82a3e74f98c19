package producer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"

	"github.com/forebay-go/forebay/producer"
)

func TestSecret_IsReadFromYAMLAndNeverShown(t *testing.T) {
	const hidden = "hunter2-Zq"
	var cc producer.ClusterConfig
	require.NoError(t,
		yaml.Unmarshal([]byte("brokers: [a:1]\nsasl: {mechanism: plain, user: u, password: "+
			""+hidden+"}\n"), &cc))
	require.Equal(t, hidden, string(cc.SASL.Password))
	require.True(t, reflect.DeepEqual(cc, cc))
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"a": cc}}

	var seen []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s",
		"%T"} {
		for _, v := range []any{cc.SASL.Password, &cc.SASL.Password, cc.SASL, &cc.SASL, cc, cfg,
			&cfg, producer.Credentials{Password: hidden, Token: hidden}} {
			seen = append(seen, fmt.Sprintf(verb, v))
		}
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := encode(cfg)
		require.NoError(t, err)
		require.Contains(t, string(text), "***")
		seen = append(seen, string(text))
	}
	var logged strings.Builder
	zl := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		zapcore.AddSync(&logged), zap.DebugLevel))
	zl.Info("x", zap.Any("secret", cc.SASL.Password), zap.Any("config", cfg),
		zap.Stringer("s", cc.SASL.Password))
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", cc.SASL.Password, "config", cfg)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", cc.SASL.Password, "config", cfg)
	seen = append(seen, logged.String(), fmt.Sprint(errors.New(fmt.Sprint(cc.SASL.Password))))
	hex := fmt.Sprintf("%x", hidden)
	for _, text := range seen {
		require.NotContains(t, text, hidden)
		require.NotContains(t, strings.ToLower(text), hex)
	}
	require.Empty(t, producer.Secret("").String())
	require.Equal(t,
		`producer.SASLConfig{Mechanism:"", User:"", Password:"", PasswordFile:"", TokenFile:""}`,
		fmt.Sprintf("%#v", producer.SASLConfig{}))
}
