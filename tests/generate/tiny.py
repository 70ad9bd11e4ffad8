"""Real diffusers pipelines with tiny random weights, made here and saved: no hub, no downloads."""

from __future__ import annotations

from pathlib import Path


def save(name: str, folder: Path) -> Path:
    """Save the tiny pipeline of that name, one of MAKERS, in safetensors."""
    import torch

    torch.manual_seed(0)
    MAKERS[name]().save_pretrained(folder, safe_serialization=True)
    return folder


def _tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "cat", "sings"]
    made = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        model_max_length=16,
    )  # fmt: skip


def _t5(kind: str):
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=8, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2
    )
    return getattr(transformers, f"{kind}EncoderModel")(config)


def _wan_parts(*, ti2v: bool = False, inputs: int | None = None, vace: bool = False) -> dict:
    from diffusers import (
        AutoencoderKLWan,
        UniPCMultistepScheduler,
        WanTransformer3DModel,
        WanVACETransformer3DModel,
    )

    vae = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    if ti2v:
        vae |= {
            "z_dim": 48, "in_channels": 12, "out_channels": 12, "is_residual": True,
            "patch_size": 2, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
            "scale_factor_spatial": 16,
        }  # fmt: skip
    latents = 48 if ti2v else 16
    more = {"vace_layers": [0], "vace_in_channels": 96} if vace else {}
    kind = WanVACETransformer3DModel if vace else WanTransformer3DModel
    transformer = kind(
        num_attention_heads=2, attention_head_dim=12, in_channels=inputs or latents,
        out_channels=latents, text_dim=16, freq_dim=16, ffn_dim=16, num_layers=1,
        rope_max_seq_len=32, **more,
    )  # fmt: skip
    return {
        "vae": AutoencoderKLWan(**vae), "transformer": transformer, "tokenizer": _tokenizer(),
        "text_encoder": _t5("UMT5"),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    }  # fmt: skip


def _wan():
    from diffusers import WanPipeline

    return WanPipeline(**_wan_parts())


def _wan_ti2v():
    from diffusers import WanPipeline

    return WanPipeline(**_wan_parts(ti2v=True), expand_timesteps=True)


def _wan_i2v():
    from diffusers import WanImageToVideoPipeline

    return WanImageToVideoPipeline(**_wan_parts(inputs=36))


def _wan_vace():
    from diffusers import WanVACEPipeline

    return WanVACEPipeline(**_wan_parts(vace=True))


def _ltx():
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8), layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False), patch_size=1,
    )  # fmt: skip
    transformer = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=8,
        cross_attention_dim=16, num_layers=1, caption_channels=16,
    )  # fmt: skip
    return LTXPipeline(
        vae=vae, transformer=transformer, tokenizer=_tokenizer(), text_encoder=_t5("T5"),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )  # fmt: skip


def _ltx2():
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2Pipeline,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {
        "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4,
    }  # fmt: skip
    sight = {
        "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "image_size": 16, "patch_size": 8,
    }  # fmt: skip
    gemma = Gemma3Config(
        text_config=text, vision_config=sight, mm_tokens_per_image=4, image_token_index=6,
        boi_token_index=6, eoi_token_index=7,
    )  # fmt: skip
    vae = AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8,), decoder_block_out_channels=(8,),
        down_block_types=("LTX2VideoDownBlock3D",), layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1), spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,), decoder_inject_noise=(False, False),
        downsample_type=("spatiotemporal",), upsample_type=("spatiotemporal",),
        upsample_residual=(False,), upsample_factor=(1,), patch_size=1,
    )  # fmt: skip
    audio_vae = AutoencoderKLLTX2Audio(
        base_channels=4, ch_mult=(1,), num_res_blocks=1, resolution=32, latent_channels=2,
        mel_bins=8,
    )  # fmt: skip
    vocoder = LTX2Vocoder(
        in_channels=16, hidden_channels=8, upsample_kernel_sizes=[15, 16],
        upsample_factors=[15, 16],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=24000,
    )  # fmt: skip
    connectors = {}
    for kind in ("video", "audio"):
        connectors |= {
            f"{kind}_connector_num_attention_heads": 2, f"{kind}_connector_attention_head_dim": 4,
            f"{kind}_connector_num_layers": 1,
            f"{kind}_connector_num_learnable_registers": None,
        }  # fmt: skip
    return LTX2Pipeline(
        vae=vae, audio_vae=audio_vae, vocoder=vocoder, tokenizer=_tokenizer(),
        text_encoder=Gemma3ForConditionalGeneration(gemma),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        connectors=LTX2TextConnectors(
            caption_channels=8, text_proj_in_factor=2, connector_rope_base_seq_len=32,
            rope_double_precision=False, rope_type="split", **connectors,
        ),
        transformer=LTX2VideoTransformer3DModel(
            in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8,
            cross_attention_dim=16, audio_in_channels=4, audio_out_channels=4,
            audio_num_attention_heads=2, audio_attention_head_dim=4,
            audio_cross_attention_dim=8, num_layers=1, caption_channels=8,
            rope_double_precision=False, rope_type="split", vae_scale_factors=(2, 2, 2),
        ),
    )  # fmt: skip


MAKERS = {
    "wan": _wan, "wan-ti2v": _wan_ti2v, "wan-i2v": _wan_i2v, "wan-vace": _wan_vace, "ltx": _ltx,
    "ltx2": _ltx2,
}  # fmt: skip
