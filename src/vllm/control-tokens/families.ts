/** Stands in a spelling for the name of any token: 1 to 40 letters, digits and `_:./-`, but not for `NAMES_OF_TEXT`. */
export const ANY_NAME = '\0';

/** Names that editors send on purpose, to have a gap in a file filled: they open no role. */
export const NAMES_OF_TEXT: ReadonlySet<string> = new Set([
  ...['fim_prefix', 'fim_middle', 'fim_suffix', 'fim_pad', 'fim_begin', 'fim_hole', 'fim_end'],
  ...['code_prefix', 'code_middle', 'code_suffix', 'repo_name', 'file_sep', 'file_separator', 'filename', 'cursor'],
  ...['user_cursor_is_here', 'editable_region_start', 'editable_region_end', 'start_of_file'],
]);

/** Spellings of the control tokens of a family of models. `{n}` in one stands for one to ten digits. */
export interface TokenFamily {
  readonly name: string;
  /** Names of models that read the ambiguous spellings as tokens; undefined where there are none. */
  readonly models: RegExp | undefined;
  /** Spellings that no ordinary text has. They count for every model, for its name may be an alias that says nothing. */
  readonly always: readonly string[];
  /** Spellings that code and prose have, too: they count only for the models above. */
  readonly ambiguous: readonly string[];
  /** What else the ambiguous spellings are, or why there are none. */
  readonly why: string;
}

/**
 * Facts from the public tokenizer configurations and chat templates of each family.
 *
 * In them is what opens or ends a text, a turn, a role, a tool call or its result, or stands for media: text that has
 * it forges a role, or crashes models that look for the media (CVE-2026-44222), or makes placeholders expand
 * (CVE-2025-46560). Left out are `<think>`, `<tool_call>` and `<tool_response>`, which are everyday prompts of agents and
 * open no role; `<mask>`, which is SVG; `[ARGS]`, which is in every usage line; and the tokens for filling in the middle,
 * which editors send on purpose. `models.controlTokens` adds what an operator wants besides.
 */
export const tokenFamilies: readonly TokenFamily[] = [
  {
    name: 'Every name between bars',
    models: undefined,
    // A list of names is behind the models that come: each new family would let a caller forge roles until it is there.
    always: [`<|${ANY_NAME}|>`],
    ambiguous: [],
    why: 'Operators of code that look so have spaces or other characters between the bars.',
  },
  {
    name: 'ChatML',
    models: undefined,
    always: ['<|im_start|>', '<|im_end|>', '<|im_sep|>'],
    ambiguous: [],
    why: 'Used by many families; nothing else is spelt so.',
  },
  {
    name: 'Texts of GPT-2 and after',
    models: undefined,
    always: [
      ...['<|endoftext|>', '<|endoftext{n}|>', '<|endofprompt|>', '<|startoftext|>', '<|begin_of_text|>'],
      ...['<|end_of_text|>', '<|bos|>', '<|eos|>', '<|pad|>', '<|unk|>', '<|sep|>', '<|separator|>', '<|endofturn|>'],
      ...[
        '<|end_of_turn|>',
        '<|turn_end|>',
        '<|role_start|>',
        '<|role_end|>',
        '<|EOT|>',
        '<|BOT|>',
        '<|eot|>',
        '<|eom|>',
        '<|bom|>',
      ],
    ],
    ambiguous: [],
    why: 'Used by many families; nothing else is spelt so.',
  },
  {
    name: 'Llama 2',
    models: /llama-?2|codellama|vicuna|alpaca|tinyllama|zephyr|solar/i,
    always: [],
    ambiguous: ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>', '<s>', '</s>', '<unk>'],
    why: '<s> is struck-through text of HTML, <<SYS>> may be a here-document of a shell, [INST] a placeholder.',
  },
  {
    name: 'Llama 3 and 4',
    models: undefined,
    always: [
      ...['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>', '<|eom_id|>', '<|python_tag|>', '<|step_id|>'],
      ...['<|finetune_right_pad_id|>', '<|finetune_right_pad|>', '<|reserved_special_token_{n}|>', '<|image|>'],
      ...['<|header_start|>', '<|header_end|>', '<|image_start|>', '<|image_end|>', '<|patch|>'],
      ...['<|tile_x_separator|>', '<|tile_y_separator|>', '<|python_start|>', '<|python_end|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'Mistral',
    models: /mistral|mixtral|ministral|magistral|devstral|codestral|pixtral|voxtral|mathstral/i,
    always: ['[AVAILABLE_TOOLS]', '[/AVAILABLE_TOOLS]', '[TOOL_CALLS]', '[TOOL_RESULTS]', '[/TOOL_RESULTS]'],
    ambiguous: [
      ...[
        '[INST]',
        '[/INST]',
        '[SYSTEM_PROMPT]',
        '[/SYSTEM_PROMPT]',
        '[TOOL_CONTENT]',
        '[CALL_ID]',
        '[MODEL_SETTINGS]',
      ],
      ...['[/MODEL_SETTINGS]', '[IMG]', '[IMG_BREAK]', '[IMG_END]', '[AUDIO]', '[BEGIN_AUDIO]', '[TRANSCRIBE]'],
      ...['[THINK]', '[/THINK]', '<s>', '</s>', '<unk>'],
    ],
    why: 'Words in brackets are placeholders of prose and marks of log lines, [IMG] is BBCode, <s> is HTML.',
  },
  {
    name: 'Gemma',
    models: /gemma/i,
    always: [
      ...['<start_of_turn>', '<end_of_turn>', '<start_of_image>', '<end_of_image>', '<image_soft_token>'],
      ...['<start_of_audio>', '<end_of_audio>', '<audio_soft_token>', '<start_function_declaration>'],
      ...['<end_function_declaration>', '<start_function_call>', '<end_function_call>', '<start_function_response>'],
      ...['<end_function_response>', '<|turn>', '<turn|>', '<|channel>', '<channel|>', '<|tool_call>', '<tool_call|>'],
      ...['<|tool_response>', '<tool_response|>', '<|think|>'],
    ],
    ambiguous: [
      '<bos>',
      '<eos>',
      '<pad>',
      '<unk>',
      '<|tool>',
      '<tool|>',
      '<|image>',
      '<image|>',
      '<|audio>',
      '<audio|>',
      '<|"|>',
      '<escape>',
    ],
    why: '<pad> and its like are in code about models, <escape> is a placeholder of prose, <|"|> and <|tool> are alternatives of regular expressions.',
  },
  {
    name: 'Phi',
    models: /phi-?3/i,
    always: [
      ...['<|system|>', '<|user|>', '<|assistant|>', '<|end|>', '<|tool|>', '<|/tool|>', '<|tool_call|>'],
      ...[
        '<|/tool_call|>',
        '<|tool_response|>',
        '<|placeholder{n}|>',
        '<|image_{n}|>',
        '<|audio_{n}|>',
        '<|dummy_{n}|>',
      ],
    ],
    ambiguous: ['<s>', '</s>', '<unk>'],
    why: '<s> is struck-through text of HTML.',
  },
  {
    name: 'Qwen',
    models: undefined,
    always: [
      ...[
        '<|object_ref_start|>',
        '<|object_ref_end|>',
        '<|box_start|>',
        '<|box_end|>',
        '<|quad_start|>',
        '<|quad_end|>',
      ],
      ...['<|vision_start|>', '<|vision_end|>', '<|vision_pad|>', '<|image_pad|>', '<|video_pad|>', '<|vision_bos|>'],
      ...['<|vision_eos|>', '<|audio_start|>', '<|audio_end|>', '<|audio_pad|>', '<|audio_bos|>', '<|audio_eos|>'],
      ...['<|AUDIO|>', '<|IMAGE|>', '<|VIDEO|>', '<|extra_{n}|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'MiMo',
    models: undefined,
    always: ['<|mimo_video_start|>', '<|mimo_video_end|>', '<|mimo_audio_start|>', '<|mimo_audio_end|>'],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'DeepSeek',
    models: /deepseek-?vl|deepseek-?ocr|janus/i,
    always: [
      ...[
        '<｜begin▁of▁sentence｜>',
        '<｜end▁of▁sentence｜>',
        '<｜User｜>',
        '<｜Assistant｜>',
        '<｜System｜>',
        '<｜▁pad▁｜>',
      ],
      ...[
        '<｜tool▁calls▁begin｜>',
        '<｜tool▁calls▁end｜>',
        '<｜tool▁call▁begin｜>',
        '<｜tool▁call▁end｜>',
        '<｜tool▁sep｜>',
      ],
      ...['<｜tool▁outputs▁begin｜>', '<｜tool▁outputs▁end｜>', '<｜tool▁output▁begin｜>', '<｜tool▁output▁end｜>'],
      ...[
        '<｜place▁holder▁no▁{n}｜>',
        '<｜search▁begin｜>',
        '<｜search▁end｜>',
        '｜DSML｜',
        '<|User|>',
        '<|Assistant|>',
      ],
      ...['<|ref|>', '<|/ref|>', '<|det|>', '<|/det|>', '<|grounding|>', '<image_placeholder>'],
    ],
    ambiguous: ['<image>'],
    why: '<image> is an element of XML and a placeholder of prose.',
  },
  {
    name: 'GPT-OSS',
    models: undefined,
    always: [
      ...['<|start|>', '<|message|>', '<|channel|>', '<|constrain|>', '<|return|>', '<|call|>', '<|reserved_{n}|>'],
      ...['<|begin|>', '<|content|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form; <|end|> is with Phi.',
  },
  {
    name: 'GLM',
    models: /glm/i,
    always: [
      ...['[gMASK]', '[sMASK]', '<|observation|>', '<|begin_of_image|>', '<|end_of_image|>', '<|begin_of_video|>'],
      ...[
        '<|end_of_video|>',
        '<|begin_of_audio|>',
        '<|end_of_audio|>',
        '<|begin_of_box|>',
        '<|end_of_box|>',
        '<|video|>',
      ],
      ...['<|audio|>', '<|begin_of_transcription|>', '<|end_of_transcription|>'],
    ],
    ambiguous: ['<sop>', '<eop>', '[MASK]'],
    why: '[MASK] is in all code about BERT; the other two are short enough to be anything.',
  },
  {
    name: 'Kimi',
    models: /kimi|moonlight/i,
    always: [
      ...['<|im_user|>', '<|im_assistant|>', '<|im_system|>', '<|im_middle|>', '<|tool_calls_section_begin|>'],
      ...['<|tool_calls_section_end|>', '<|tool_call_begin|>', '<|tool_call_end|>', '<|tool_call_argument_begin|>'],
      ...['<|media_begin|>', '<|media_content|>', '<|media_end|>', '<|media_pad|>'],
      ...['<|end_of_msg|>', '<|open|>', '<|close|>', '<|tool_call:begin|>', '<|tool_call:end|>'],
    ],
    ambiguous: ['[BOS]', '[EOS]', '[EOT]', '[PAD]', '[UNK]'],
    why: 'They are in all code about models.',
  },
  {
    name: 'Granite',
    models: /granite.*vision/i,
    always: [
      ...['<|start_of_role|>', '<|end_of_role|>', '<|start_of_cite|>', '<|end_of_cite|>', '<|start_of_plugin|>'],
      ...['<|end_of_plugin|>'],
    ],
    ambiguous: ['<image>'],
    why: '<image> is an element of XML and a placeholder of prose.',
  },
  {
    name: 'Command and Aya',
    models: undefined,
    always: [
      ...['<BOS_TOKEN>', '<EOS_TOKEN>', '<|START_OF_TURN_TOKEN|>', '<|END_OF_TURN_TOKEN|>', '<|USER_TOKEN|>'],
      ...['<|SYSTEM_TOKEN|>', '<|CHATBOT_TOKEN|>', '<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|START_THINKING|>'],
      ...['<|END_THINKING|>', '<|START_ACTION|>', '<|END_ACTION|>', '<|START_TOOL_RESULT|>', '<|END_TOOL_RESULT|>'],
      ...['<|YES_TOKEN|>', '<|NO_TOKEN|>', '<|START_OF_IMG|>', '<|END_OF_IMG|>', '<|IMG_PATCH|>', '<|IMG_LINE_BREAK|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'Falcon',
    models: /falcon/i,
    always: [],
    ambiguous: [
      '>>TITLE<<',
      '>>ABSTRACT<<',
      '>>INTRODUCTION<<',
      '>>SUMMARY<<',
      '>>COMMENT<<',
      '>>ANSWER<<',
      '>>QUESTION<<',
      '>>DOMAIN<<',
    ],
    why: 'They are headings of plain text.',
  },
  {
    name: 'InternLM and InternVL',
    models: /intern-?(lm|vl|s1)/i,
    always: ['<IMG_CONTEXT>', '<|action_start|>', '<|action_end|>', '<|interpreter|>', '<|plugin|>'],
    ambiguous: ['<img>', '</img>', '<s>', '</s>', '<unk>'],
    why: '<img> and <s> are HTML.',
  },
  {
    name: 'LLaVA and other models with images',
    models: /llava|vila|idefics|smolvlm|paligemma|minicpm-?[vo]|minimax-?vl|ovis|blip|fuyu|nvlm|h2ovl|aria|mantis/i,
    always: ['<fake_token_around_image>', '<end_of_utterance>', '<row_{n}_col_{n}>', '<global-img>'],
    ambiguous: ['<image>', '</image>', '<video>', '<audio>', '<slice>', '</slice>', '<image_id>', '</image_id>'],
    why: '<video> and <audio> are HTML, <image> is an element of XML and a placeholder of prose.',
  },
  {
    name: 'Molmo and Step',
    models: /molmo|step-?[1-9]/i,
    always: ['<|CALL_START|>', '<|CALL_END|>'],
    ambiguous: ['<im_start>', '<im_end>', '<im_patch>', '<im_col>'],
    why: 'Without bars they are near to what prose about ChatML writes.',
  },
  {
    name: 'Hunyuan',
    models: undefined,
    always: [
      ...[
        '<｜hy_begin▁of▁sentence｜>',
        '<｜hy_end▁of▁sentence｜>',
        '<｜hy_User｜>',
        '<｜hy_Assistant｜>',
        '<｜hy_▁pad▁｜>',
      ],
      ...['<｜hy_place▁holder▁no▁{n}｜>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'MiniMax',
    models: /minimax/i,
    always: ['<beginning_of_sentence>', '<end_of_sentence>', '<begin_of_document>', '<end_of_document>'],
    ambiguous: [']~b]', ']~!b[', '[e~[', ']<]minimax[>[', ']<]image[>[', ']<]video[>['],
    why: 'Brackets in such order can stand in code of any kind, and looking for each costs a sweep of its own.',
  },
  {
    name: 'ERNIE',
    models: undefined,
    always: [
      ...['<|begin_of_sentence|>', '<|end_of_sentence|>', '<|IMAGE_PLACEHOLDER|>', '<|VIDEO_PLACEHOLDER|>'],
      ...['<|IMAGE_START|>', '<|IMAGE_END|>', '<|VIDEO_START|>', '<|VIDEO_END|>', '<|image@placeholder|>'],
      ...['<|video@placeholder|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'Seed',
    models: undefined,
    always: [
      ...['<seed:bos>', '<seed:eos>', '<seed:pad>', '<seed:think>', '</seed:think>', '<seed:tool_call>'],
      ...['</seed:tool_call>', '<seed:cot_budget_reflect>', '</seed:cot_budget_reflect>'],
      ...['<[begin▁of▁sentence]>', '<[end▁of▁sentence]>'],
    ],
    ambiguous: [],
    why: 'All have a name space of their own.',
  },
  {
    name: 'Nemotron',
    models: /nemotron/i,
    always: ['<SPECIAL_{n}>'],
    ambiguous: ['<extra_id_{n}>', '<s>', '</s>', '<unk>', '<image>'],
    why: '<extra_id_0> is in all code about T5, <s> is HTML.',
  },
  {
    name: 'EXAONE',
    models: /exaone/i,
    always: ['[|endofturn|]'],
    ambiguous: ['[|system|]', '[|user|]', '[|assistant|]', '[|tool|]'],
    why: 'In F# these are arrays of one variable.',
  },
  {
    name: 'Apertus, LFM and others of the unambiguous form',
    models: undefined,
    always: [
      ...['<|system_start|>', '<|system_end|>', '<|developer_start|>', '<|developer_end|>', '<|user_start|>'],
      ...['<|user_end|>', '<|assistant_start|>', '<|assistant_end|>', '<|tools_prefix|>', '<|tools_suffix|>'],
      ...['<|tool_list_start|>', '<|tool_list_end|>', '<|tool_call_start|>', '<|tool_call_end|>'],
      ...['<|tool_response_start|>', '<|tool_response_end|>', '<|Human|>', '<|startoftranscript|>', '<|startofprev|>'],
      ...['<|im:start|>', '<|im:end|>', '<|userprompt|>', '<|endofuserprompt|>', '<|response|>', '<|endofresponse|>'],
      ...['<|startoflm|>', '<|nospeech|>', '<|notimestamps|>', '<|transcribe|>', '<|translate|>'],
    ],
    ambiguous: [],
    why: 'All are of the unambiguous form.',
  },
  {
    name: 'Ling and Ring',
    models: /bailing|(^|[^a-z])(ling|ring)(?![a-z])/i,
    always: [],
    ambiguous: ['<role>', '</role>'],
    why: '<role> is an element of XML and a placeholder of prose.',
  },
  {
    name: 'Baichuan and Pangu',
    models: /baichuan|pangu/i,
    always: [],
    ambiguous: ['<reserved_{n}>', '[unused{n}]', '<s>', '</s>', '<unk>'],
    why: '[unused0] is in the vocabulary of BERT and code about it.',
  },
];
