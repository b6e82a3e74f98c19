package ops

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/internal/docs"
)

// block returns the code block of a language in the recipe for Kubernetes.
func block(t *testing.T, language string) string {
	t.Helper()
	snippets, err := docs.Snippets("../docs/kubernetes.md", language)
	require.NoError(t, err)
	require.Len(t, snippets, 1)
	return snippets[0]
}

// manifest decodes the manifest of the recipe. A field that Kubernetes does not know fails the
// test.
func manifest(t *testing.T) (cm corev1.ConfigMap, secret corev1.Secret, d appsv1.Deployment,
	service corev1.Service) {
	t.Helper()
	into := map[string]any{"ConfigMap": &cm, "Secret": &secret, "Deployment": &d,
		"Service": &service, "PodDisruptionBudget": new(policyv1.PodDisruptionBudget)}
	documents := yaml.NewDecoder(strings.NewReader(block(t, "yaml")))
	for {
		var document map[string]any
		if err := documents.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		text, err := json.Marshal(document)
		require.NoError(t, err)
		kind := document["kind"].(string)
		require.Contains(t, into, kind, "there is one of each")
		strict := json.NewDecoder(bytes.NewReader(text))
		strict.DisallowUnknownFields()
		require.NoError(t, strict.Decode(into[kind]), kind)
		delete(into, kind)
	}
	require.Empty(t, into)
	return cm, secret, d, service
}

func TestKubernetes_ManifestHoldsWhatTheRecipeSays(t *testing.T) {
	cm, secret, d, service := manifest(t)
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]

	path := filepath.Join(t.TempDir(), "forebay.yaml")
	require.NoError(t, os.WriteFile(path, []byte(cm.Data["forebay.yaml"]), 0o600))
	cfg, _, err := config.Load(path, config.WithEnviron())
	require.NoError(t, err)

	var limit, bound int64 = 0, cfg.Buffer.MaxBytes
	for _, v := range c.Env {
		if v.Name == "GOMEMLIMIT" {
			n, err := humanize.ParseBytes(v.Value)
			require.NoError(t, err)
			limit = int64(n)
		}
	}
	require.GreaterOrEqual(t, limit, bound*3/2)
	require.GreaterOrEqual(t, c.Resources.Limits.Memory().Value(), limit*6/5)
	require.Zero(t, c.Resources.Limits.Memory().Cmp(*c.Resources.Requests.Memory()),
		"all buffers fill at the same time")

	var sum int64
	for _, timeout := range regexp.MustCompile(`WithTimeout\(context\.Background\(\), (\d+)\*time\.Second\)`).FindAllStringSubmatch(block(t, "go"), -1) {
		seconds, err := strconv.ParseInt(timeout[1], 10, 64)
		require.NoError(t, err)
		sum += seconds
	}
	require.EqualValues(t, 30, sum, "Shutdown and Close")
	require.Greater(t, *pod.TerminationGracePeriodSeconds, sum+c.Lifecycle.PreStop.Sleep.Seconds)

	ports := make(map[string]int32)
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		require.Equal(t, "inside", probe.HTTPGet.Port.String())
	}
	require.EqualValues(t, 9090, ports["inside"])
	require.Equal(t, "http", service.Spec.Ports[0].TargetPort.String())
	require.Len(t, service.Spec.Ports, 1, "the page is not for everybody")

	mounts := make(map[string]string)
	for _, m := range c.VolumeMounts {
		require.Empty(t, m.SubPath, "with one, changes do not arrive")
		mounts[m.Name] = m.MountPath
	}
	require.Equal(t, cm.Name, pod.Volumes[0].ConfigMap.Name)
	require.Equal(t, secret.Name, pod.Volumes[1].Secret.SecretName)
	require.Contains(t, block(t, "go"), `"`+mounts["forebay"]+`/forebay.yaml"`)
	kafka := cfg.Clusters["kafka"]
	for _, file := range []string{kafka.TLS.CAFile, kafka.SASL.PasswordFile} {
		name, ok := strings.CutPrefix(file, mounts["kafka"]+"/")
		require.True(t, ok, file)
		require.Contains(t, secret.StringData, name)
	}
}

func TestKubernetes_ProgramCompiles(t *testing.T) {
	program := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(program, []byte(block(t, "go")), 0o600))
	vet := exec.Command("go", "vet", program)
	vet.Dir = ".." // its imports are those of the library
	out, err := vet.CombinedOutput()
	require.NoError(t, err, string(out))
}
