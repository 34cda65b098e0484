// The grants of the authorization server by golang.org/x/oauth2. Speaks with its test as oauth-authlib.py does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type client struct{ Id, Secret string }

var (
	facts struct {
		Issuer, Redirect              string
		Service, Confidential, Public client
	}
	meta struct {
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		Device        string `json:"device_authorization_endpoint"`
	}
	input = bufio.NewReader(os.Stdin)
	scope = []string{"inference:chat", "models:read"}
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(name, value string) {
	line, err := json.Marshal(map[string]string{name: value})
	must(err)
	fmt.Println(string(line))
}

func ask(name, value string) string {
	say(name, value)
	answer, err := input.ReadString('\n')
	must(err)
	return strings.TrimSpace(answer)
}

// use sends two requests with the token of a client, which the gateway takes.
func use(source oauth2.TokenSource) {
	session := oauth2.NewClient(context.Background(), source)
	models, err := session.Get(facts.Issuer + "/v1/models")
	must(err)
	expect(models, `"tiny"`)
	body := `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`
	chat, err := session.Post(facts.Issuer+"/v1/chat/completions", "application/json", strings.NewReader(body))
	must(err)
	expect(chat, `"content"`)
}

func expect(answer *http.Response, part string) {
	defer answer.Body.Close()
	text := new(strings.Builder)
	_, err := bufio.NewReader(answer.Body).WriteTo(text)
	must(err)
	if answer.StatusCode != 200 || !strings.Contains(text.String(), part) {
		must(fmt.Errorf("%d %s", answer.StatusCode, text))
	}
}

func configOf(who client) oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if who.Secret == "" {
		style = oauth2.AuthStyleInParams
	}
	return oauth2.Config{
		ClientID:     who.Id,
		ClientSecret: who.Secret,
		RedirectURL:  facts.Redirect,
		Scopes:       scope,
		Endpoint: oauth2.Endpoint{
			AuthURL: meta.Authorization, TokenURL: meta.Token, DeviceAuthURL: meta.Device, AuthStyle: style,
		},
	}
}

func clientCredentials() {
	config := clientcredentials.Config{
		ClientID: facts.Service.Id, ClientSecret: facts.Service.Secret, TokenURL: meta.Token, Scopes: scope,
	}
	use(config.TokenSource(context.Background()))
	say("done", "client credentials")
}

func authorizationCode(name string, who client) {
	ctx := context.Background()
	config := configOf(who)
	verifier := oauth2.GenerateVerifier()
	back, err := url.Parse(ask("open", config.AuthCodeURL("state-of-"+name, oauth2.S256ChallengeOption(verifier))))
	must(err)
	if back.Query().Get("state") != "state-of-"+name {
		must(fmt.Errorf("the state came back as another one"))
	}
	token, err := config.Exchange(ctx, back.Query().Get("code"), oauth2.VerifierOption(verifier))
	must(err)
	use(oauth2.StaticTokenSource(token))
	say("done", "code with PKCE, "+name)

	old := *token
	old.Expiry = time.Now().Add(-time.Minute)
	next, err := config.TokenSource(ctx, &old).Token()
	must(err)
	if next.AccessToken == token.AccessToken || next.RefreshToken == token.RefreshToken {
		must(fmt.Errorf("nothing was refreshed"))
	}
	use(oauth2.StaticTokenSource(next))
	say("done", "refresh, "+name)
}

func device() {
	ctx := context.Background()
	config := configOf(facts.Public)
	started, err := config.DeviceAuth(ctx)
	must(err)
	ask("device", started.UserCode)
	token, err := config.DeviceAccessToken(ctx, started)
	must(err)
	use(oauth2.StaticTokenSource(token))
	say("done", "device")
}

func main() {
	must(json.Unmarshal([]byte(os.Getenv("OAUTH")), &facts))
	answer, err := http.Get(facts.Issuer + "/.well-known/oauth-authorization-server")
	must(err)
	must(json.NewDecoder(answer.Body).Decode(&meta))
	clientCredentials()
	authorizationCode("confidential", facts.Confidential)
	authorizationCode("public", facts.Public)
	device()
}
