package secure

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/zap"
)

// The SASL mechanisms, as settings name them.
const (
	Plain       = "plain"
	ScramSHA256 = "scram-sha-256"
	ScramSHA512 = "scram-sha-512"
	OAuthBearer = "oauthbearer"
	AWSMSKIAM   = "aws-msk-iam"
)

// Mechanisms are all of them.
var Mechanisms = []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer, AWSMSKIAM}

// Credentials say who we are.
type Credentials struct {
	User       string
	Password   string
	Token      string
	Extensions map[string]string // of OAUTHBEARER
}

// SASL says who we are, by settings and files.
type SASL struct {
	User, Password          string
	PasswordFile, TokenFile string // in place of the others, where they are not empty
}

// Source returns what says what the settings and the files are now.
func (s SASL) Source(log *zap.Logger, field string) *Source[Credentials] {
	password, token := word(log, field+".password_file", s.PasswordFile), word(log,
		field+".token_file", s.TokenFile)
	return NewSource(field, func(context.Context) (Credentials, error) {
		got := Credentials{User: s.User, Password: s.Password}
		if err := fill(&got.Password, password); err != nil {
			return Credentials{}, err
		}
		return got, fill(&got.Token, token)
	})
}

func word(log *zap.Logger, field, path string) *File[string] {
	if path == "" {
		return nil
	}
	return Word(log, field, path)
}

func fill(to *string, from *File[string]) (err error) {
	if from != nil {
		*to, err = from.Get()
	}
	return err
}

// Mechanism returns a SASL mechanism that asks from for each connection.
func Mechanism(name string, from *Source[Credentials]) sasl.Mechanism {
	get := from.Get
	switch name {
	case Plain:
		return plain.Plain(func(ctx context.Context) (plain.Auth, error) {
			c, err := get(ctx)
			return plain.Auth{User: c.User, Pass: c.Password}, err
		})
	case OAuthBearer:
		return bearer{oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			c, err := get(ctx)
			return oauth.Auth{Token: c.Token, Extensions: c.Extensions}, err
		})}
	case AWSMSKIAM:
		return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
			c, err := get(ctx)
			return aws.Auth{AccessKey: c.User, SecretKey: c.Password, SessionToken: c.Token}, err
		})
	}
	auth := func(ctx context.Context) (scram.Auth, error) {
		c, err := get(ctx)
		return scram.Auth{User: c.User, Pass: c.Password}, err
	}
	if name == ScramSHA512 {
		return scram.Sha512(auth)
	}
	return scram.Sha256(auth)
}

// bearer is OAUTHBEARER with words for a token that is not taken: a broker says so in what looks
// like a question, to which kgo knows no answer.
type bearer struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	s, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{s}, first, err
}

type bearerSession struct{ sasl.Session }

// Challenge implements sasl.Session.
func (s bearerSession) Challenge(asked []byte) (done bool, answer []byte, err error) {
	if len(asked) == 0 {
		return s.Session.Challenge(asked)
	}
	var said struct{ Status string }
	_ = json.Unmarshal(asked, &said) // what is not JSON has no status
	return false, nil,
		Refusal(fmt.Errorf("SASL authentication failed: the broker does not take the token (%.50q)",
			said.Status))
}
