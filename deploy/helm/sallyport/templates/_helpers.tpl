{{- define "sallyport.name" -}}
{{- $name := .Chart.Name -}}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end -}}

{{- define "sallyport.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sallyport.labels" -}}
{{ include "sallyport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The public port of the container, and the admin port. */}}
{{- define "sallyport.port" -}}{{ dig "listen" "port" 8443 .Values.config }}{{- end -}}
{{- define "sallyport.adminPort" -}}{{ dig "admin" "port" 9443 .Values.config }}{{- end -}}
{{- define "sallyport.scheme" -}}{{ if eq (dig "listen" "tls" "mode" "" .Values.config) "off" }}HTTP{{ else }}HTTPS{{ end }}{{- end -}}

{{/* sallyport.yaml: what `config` says, with what the other values decide. */}}
{{- define "sallyport.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.tls.secretName -}}
{{- $tls := dict "mode" "files" "certFile" "/run/secrets/tls/tls.crt" "keyFile" "/run/secrets/tls/tls.key" -}}
{{- $config = mustMergeOverwrite $config (dict "listen" (dict "tls" $tls)) -}}
{{- end -}}
{{- if .Values.vllmApiKey.secretName -}}
{{- $key := printf "${file:/run/secrets/vllm/%s}" .Values.vllmApiKey.key -}}
{{- $upstreams := list -}}
{{- range $config.upstreams -}}
{{- $upstreams = append $upstreams (mustMerge (deepCopy .) (dict "apiKey" $key)) -}}
{{- end -}}
{{- $config = set $config "upstreams" $upstreams -}}
{{- end -}}
{{- if .Values.metrics.serviceMonitor.enabled -}}
{{- $config = mustMergeOverwrite $config (dict "admin" (dict "host" "0.0.0.0")) -}}
{{- end -}}
{{ toYaml $config }}
{{- end -}}
